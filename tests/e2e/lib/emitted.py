"""ONNX Runtime on what nbqc --emit=onnx has written, against the oracle's integers.

    emitted.py VALUES GRAPH.nir MODEL.onnx SEED [IMAGES.npy]

VALUES is the program of that name, GRAPH.nir the quantized graph, MODEL.onnx the same as ONNX. Inputs are byte images of the
network (or random floats); every integer value of the graph is made an output of the model and has to be the same, bit for
bit. What operators of the host compute in float is compared as floats are, and handed on from the oracle, so that a last
digit does not become another integer behind them. Prints how many there are of both."""
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
        head = data[at:at + 4096].split(b"\n", 3)[:3]
        at += sum(map(len, head)) + 3
        name, dtype, dims = (part.decode() for part in head)
        shape = [int(d) for d in dims.split()]
        values[name] = np.frombuffer(data, TYPES[dtype], int(np.prod(shape)), at).reshape(shape)
        at += values[name].nbytes
    return values


def cut_at_host(model, expected):
    """What nodes of the host make in float becomes an input; their own results get names behind it."""
    cut = {}
    for node in model.graph.node:
        for i, name in enumerate(node.output):
            if name in expected and expected[name].dtype == np.float32 and node.op_type != "Cast":
                node.output[i] = name + "/runtime"
                cut[name] = expected[name]
    outputs = {output.name: output for output in model.graph.output}
    for name, value in cut.items():
        model.graph.input.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, value.shape))
        if name in outputs:
            outputs[name].name += "/runtime"
    return cut


def run(model, inputs, names):
    known = {output.name for output in model.graph.output}
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in known)
    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return dict(zip((o.name for o in session.get_outputs()), session.run(None, inputs)))


def compare_integers(name, op, found, expected):
    differ = np.count_nonzero(found != expected) if found.shape == expected.shape else "all"
    assert found.dtype == expected.dtype and differ == 0, (
        f"{name} ({op}): {differ} of {expected.size} differ: {found.reshape(-1)[:8]}, expected {expected.reshape(-1)[:8]}")
    assert expected.size <= 16 or expected.min() < expected.max(), f"{name} is constant"


def main():
    program, graph, path, seed = sys.argv[1:5]
    images = np.load(sys.argv[5]) if len(sys.argv) > 5 else None
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    inputs = dict(inputs_of(model, int(seed), images))
    expected = oracle(program, graph, inputs)
    makers = {name: node.op_type for node in model.graph.node for name in node.output}
    missing = [name for name in expected if name not in makers]
    assert not missing, f"values that are not in the model: {missing}"
    cut = cut_at_host(model, expected)
    names = [name + "/runtime" if name in cut else name for name in expected]
    found = run(model, {**inputs, **cut}, names)
    integers = 0
    for name, value in expected.items():
        if name in cut:
            assert np.allclose(found[name + "/runtime"], value, 1e-3, 1e-4), f"{name} ({makers[name]}) differs"
        elif value.dtype in (np.int8, np.int16):
            integers += 1
            compare_integers(name, makers[name], found[name], value)
        else:
            assert np.array_equal(found[name], value), f"{name} ({makers[name]}) differs"
    print(f"{integers} integer values equal, {len(cut)} floats of the host; {len(model.graph.node)} nodes")


if __name__ == "__main__":
    main()
