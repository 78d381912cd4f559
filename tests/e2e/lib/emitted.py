"""ONNX Runtime on what nbqc --emit=onnx has written, against the oracle's integers.

    emitted.py VALUES GRAPH.nir MODEL.onnx SEED [IMAGES.npy]

VALUES is the program of that name, GRAPH.nir the quantized graph, MODEL.onnx the same as ONNX. Inputs are byte images of the
network (or random floats); every value of the graph that holds integers is made an output of the model and has to be the same,
bit for bit; floats only where nothing but a conversion made them. Prints how many."""
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper

TYPES = {"f32": np.float32, "i8": np.int8, "i16": np.int16, "i32": np.int32, "i64": np.int64, "u8": np.uint8, "bool": np.bool_}


def inputs_of(model, seed, images):
    rng = np.random.default_rng(seed)
    for entry in model.graph.input:
        shape = [d.dim_value for d in entry.type.tensor_type.shape.dim]
        if images is not None:
            image = images[seed % len(images)][None]
            assert list(image.shape) == shape, (image.shape, shape)
            yield entry.name, ((image / 255 - 0.5) / 0.25).astype(np.float32)
        else:
            yield entry.name, rng.normal(0, 1.5, shape).astype(np.float32)


def oracle(program, graph, inputs):
    with tempfile.NamedTemporaryFile() as raw, tempfile.NamedTemporaryFile() as out:
        raw.write(b"".join(v.tobytes() for v in inputs.values()))
        raw.flush()
        subprocess.run([program, graph, raw.name, out.name], check=True)
        data = open(out.name, "rb").read()
    values, at = {}, 0
    while at < len(data):
        name, dtype, count = data[at:].split(b"\n", 3)[:3] if at + 4096 > len(data) else data[at:at + 4096].split(b"\n", 3)[:3]
        at += len(name) + len(dtype) + len(count) + 3
        dtype, count = TYPES[dtype.decode()], int(count)
        values[name.decode()] = np.frombuffer(data, dtype, count, at)
        at += count * np.dtype(dtype).itemsize
    return values


def main():
    program, graph, path, seed = sys.argv[1:5]
    images = np.load(sys.argv[5]) if len(sys.argv) > 5 else None
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    inputs = dict(inputs_of(model, int(seed), images))
    expected = oracle(program, graph, inputs)
    makers = {name: node for node in model.graph.node for name in node.output}
    missing = [name for name in expected if name not in makers]
    assert not missing, f"values that are not in the model: {missing}"
    known = {output.name for output in model.graph.output}
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in expected if name not in known)
    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    found = dict(zip((o.name for o in session.get_outputs()), session.run(None, inputs)))
    integers = 0
    for name, value in expected.items():
        same = found[name].dtype == value.dtype and np.array_equal(found[name].reshape(-1), value)
        if value.dtype in (np.int8, np.int16):
            integers += 1
            assert same, (f"{name} ({makers[name].op_type}): {np.count_nonzero(found[name].reshape(-1) != value)} of {value.size}"
                          f" differ: {found[name].reshape(-1)[:8]}, expected {value[:8]}")
            assert value.min() < value.max() or value.size == 1, f"{name} is constant"
        elif makers[name].op_type == "Cast":
            assert same, f"{name}: conversion differs"
    print(f"{integers} values equal, {len(model.graph.node)} nodes")


if __name__ == "__main__":
    main()
