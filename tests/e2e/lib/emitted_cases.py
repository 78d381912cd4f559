"""ONNX's own cases through nbqc --emit=onnx: what ONNX Runtime computes of a model, it computes of the one that is written.

    emitted_cases.py NBQC FOLDER TMP

Models that nbqc refuses, or that ONNX Runtime cannot run as they came, are left out. Prints each that differs and a count.
"""
import pathlib
import subprocess
import sys

import numpy as np
import onnx
import onnx.numpy_helper
import onnxruntime

onnxruntime.set_default_logger_severity(4)
# Floats of other widths are float32 here; pooling windows that begin behind the image are of operator set 22.
EXEMPT = ("FLOAT8", "FLOAT4", "E4M3", "E5M2", "e8m0", "FLOAT16", "DOUBLE", "fp16", "float16", "double", "float64",
          "ceil_last_window")


def run(path, case):
    session = onnxruntime.InferenceSession(str(path))
    feeds = {}
    for i, to in enumerate(session.get_inputs()):
        tensor = onnx.TensorProto.FromString((case / "test_data_set_0" / f"input_{i}.pb").read_bytes())
        feeds[to.name] = onnx.numpy_helper.to_array(tensor)
    return session.run(None, feeds)


def same(a, b):
    return len(a) == len(b) and all(
        x.shape == y.shape and np.allclose(x.astype(np.float64), y.astype(np.float64), rtol=1e-4, atol=1e-5, equal_nan=True)
        for x, y in zip(a, b))


def main():
    nbqc, folder, out = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]) / "emitted.onnx"
    count = bad = 0
    for case in sorted(folder.iterdir()):
        if any(word in case.name for word in EXEMPT):
            continue
        model = case / "model.onnx"
        if subprocess.run([nbqc, model, "--passes=", "--emit=onnx", "-o", out], capture_output=True).returncode:
            continue
        try:
            wanted = run(model, case)
        except Exception:  # noqa: BLE001  what ONNX Runtime cannot run is of many kinds
            continue
        count += 1
        try:
            written = onnx.load(out)
            if all(o.type.tensor_type.HasField("shape") for o in written.graph.output):
                onnx.checker.check_model(written)
            if same(wanted, run(out, case)):
                continue
            why = "other values"
        except Exception as e:  # noqa: BLE001
            why = " ".join(str(e).split())[:300]
        bad += 1
        print(f"{case.name}: {why}")
    print(f"{count - bad} of {count} cases")
    sys.exit(bad > 0)


main()
