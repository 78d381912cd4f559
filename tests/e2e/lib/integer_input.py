"""Networks with an image of bytes or integers as input, and what ONNX Runtime says of them.

    integer_input.py make FOLDER                              models and arrays
    integer_input.py compare MODEL INPUT REFERENCE DEVICE     outputs against ONNX Runtime's
    integer_input.py pixels PNG NAME OUT                      an image's bytes in the order of model NAME
"""
import pathlib
import struct
import sys
import zlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

SEED, HEIGHT, WIDTH = 20, 16, 12


def model(name, kind, before, constants):
    shape = [1, 3, HEIGHT, WIDTH] if name.startswith("nchw") else [1, HEIGHT, WIDTH, 3]
    rng = np.random.default_rng(SEED)
    constants = {
        "w": rng.normal(size=(16, 3, 3, 3)) * (0.3 if "scale" in constants or kind == TensorProto.FLOAT else 0.005),
        "b": rng.normal(size=16) * 0.2,
        "v": rng.normal(size=(10, 16, 1, 1)) * 0.5,
        **constants,
    }
    nodes, at = [], "x"
    for i, (op, others, attributes) in enumerate(before):
        nodes.append(helper.make_node(op, [at, *others], [f"n{i}"], **attributes))
        at = f"n{i}"
    nodes += [
        helper.make_node("Conv", [at, "w", "b"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("MaxPool", ["r"], ["p"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Conv", ["p", "v"], ["q"]),
        helper.make_node("GlobalAveragePool", ["q"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("x", kind, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 10, 1, 1])],
        [numpy_helper.from_array(np.asarray(v, np.float32), k) for k, v in constants.items()],
    )
    m = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(m, full_check=True)
    return m


def make(folder):
    rng = np.random.default_rng(SEED + 1)
    cast, last = ("Cast", [], {"to": TensorProto.FLOAT}), ("Transpose", [], {"perm": [0, 3, 1, 2]})
    scale = {"scale": [1 / 64, 1 / 60, 1 / 70]}
    ways = {
        "nhwc-u8": (
            TensorProto.UINT8,
            [cast, ("Sub", ["mean"], {}), ("Mul", ["scale"], {}), last],
            {"mean": [120, 110, 100], **scale},
        ),
        "nchw-u8": (TensorProto.UINT8, [cast], {}),
        "nhwc-i32": (TensorProto.INT32, [cast, ("Mul", ["scale"], {}), last], scale),
        "nhwc-f32": (TensorProto.FLOAT, [last], {}),
    }
    for name, (kind, before, constants) in ways.items():
        m = model(name, kind, before, constants)
        onnx.save(m, folder / f"{name}.onnx")
        shape = [d.dim_value for d in m.graph.input[0].type.tensor_type.shape.dim]
        low = rng.uniform(0, 200, size=(40, *[1 if d > 3 else d for d in shape[1:]]))  # a colour for each image
        x = low + rng.uniform(0, 55, size=(40, *shape[1:]))
        x = (x - 127) / 64 if kind == TensorProto.FLOAT else np.floor(x)
        x = x.astype(helper.tensor_dtype_to_np_dtype(kind))
        np.save(folder / f"{name}.npy", x)
        np.save(folder / f"{name}-first.npy", x[:1])


def compare(path, given, reference, device):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    want = session.run(None, {"x": np.load(given)})[0]
    top = np.abs(want).max()
    off = np.abs(np.load(reference) - want).max() / top
    far = np.abs(np.load(device) - want).max() / top
    print(f"off by {off:.1e} in float, by {far:.3f} on the device, of the largest")
    sys.exit(not (off < 1e-5 and far < 0.15))


def pixels(png, name, out):
    data = pathlib.Path(png).read_bytes()
    at, packed = 8, b""
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        if data[at + 4 : at + 8] == b"IDAT":
            packed += data[at + 8 : at + 8 + size]
        at += size + 12
    rows = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(HEIGHT, 1 + 3 * WIDTH)
    x = rows[:, 1:].reshape(1, HEIGHT, WIDTH, 3)  # rows begin with their filter, none
    np.save(out, np.ascontiguousarray(x.transpose(0, 3, 1, 2)) if name.startswith("nchw") else x)


if sys.argv[1] == "make":
    make(pathlib.Path(sys.argv[2]))
elif sys.argv[1] == "compare":
    compare(*sys.argv[2:])
else:
    pixels(*sys.argv[2:])
