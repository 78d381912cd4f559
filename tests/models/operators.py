"""Prints a small network with every kind of operator that compiles whole, as protobuf text.

    python3 tests/models/operators.py > operators.textproto; sh tests/lit/encode.sh operators.textproto operators.onnx

Strided stem with its padding apart, batch norm, pools, depthwise, clip, a residual, branches that meet in an addition, a
branch that grows and moves its pixels, shape arithmetic, dense layers, softmax. Weights are random and of no symmetry, so that a wrong permutation shows.
"""
import pathlib
import random
import re

rng = random.Random(5)
initializers, nodes = [], []


def floats(name, dims, low=-0.5, high=0.5):
    count = 1
    for d in dims:
        count *= d
    values = ", ".join("%.3g" % rng.uniform(low, high) for _ in range(count))
    initializers.append(f'initializer {{ name: "{name}" data_type: 1 dims: {list(dims)} float_data: [{values}] }}')


def scalar(name, value):
    initializers.append(f'initializer {{ name: "{name}" data_type: 1 float_data: {value} }}')


def ints(name, values):
    initializers.append(f'initializer {{ name: "{name}" data_type: 7 dims: {len(values)} int64_data: {values} }}')


def attribute(name, value):
    kind, field, text = {
        list: ("INTS", "ints", value),
        int: ("INT", "i", value),
        float: ("FLOAT", "f", value),
        str: ("STRING", "s", f'"{value}"'),
    }[type(value)]
    return f'\n    attribute {{ name: "{name}" type: {kind} {field}: {text} }}'


def node(op, inputs, *outputs, **attributes):
    names = "".join(f' input: "{i}"' for i in inputs) + "".join(f' output: "{o}"' for o in outputs)
    more = "".join(attribute(k, v) for k, v in attributes.items())
    nodes.append(f'node {{ op_type: "{op}" name: "{outputs[0]}"{names}{more} }}')


floats("stem.w", (8, 3, 3, 3))
ints("stem.pads", [0, 0, 1, 1, 0, 0, 1, 1])
node("Pad", ["x", "stem.pads"], "padded", mode="constant")
node("Conv", ["padded", "stem.w"], "stem", strides=[2, 2])
for part, low in ("scale", 0.5), ("bias", -0.5), ("mean", -0.5), ("var", 0.5):
    floats("bn." + part, (8,), low, 1.5)
node("BatchNormalization", ["stem", "bn.scale", "bn.bias", "bn.mean", "bn.var"], "bn", epsilon=0.001)
node("Relu", ["bn"], "stem.relu")
node("MaxPool", ["stem.relu"], "pool", kernel_shape=[2, 2], strides=[2, 2])
floats("dw.w", (8, 1, 3, 3))
floats("dw.b", (8,))
node("Conv", ["pool", "dw.w", "dw.b"], "dw", group=8, auto_pad="SAME_UPPER")
scalar("lo", 0)
scalar("hi", 6)
node("Clip", ["dw", "lo", "hi"], "clip")
floats("pw.w", (8, 8, 1, 1))
floats("pw.b", (8,))
node("Conv", ["clip", "pw.w", "pw.b"], "pw")
node("Add", ["pw", "pool"], "sum")
node("Identity", ["sum"], "same")
node("Dropout", ["same"], "drop")
floats("down.w", (12, 8, 3, 3))
node("Conv", ["drop", "down.w"], "down", pads=[1, 1, 1, 1], strides=[2, 2])
ints("slice.from", [0, 0])
ints("slice.to", [2147483647, 2147483647])
ints("slice.axes", [2, 3])
ints("slice.steps", [2, 2])
ints("slice.pads", [0, 2, 0, 0, 0, 2, 0, 0])
node("Slice", ["drop", "slice.from", "slice.to", "slice.axes", "slice.steps"], "short")
node("Pad", ["short", "slice.pads"], "wide", mode="constant")
node("Add", ["down", "wide"], "stage")
floats("left.w", (5, 12, 1, 1))
floats("right.w", (5, 12, 3, 3))
node("Conv", ["stage", "left.w"], "left")
node("Conv", ["stage", "right.w"], "right", pads=[1, 1, 1, 1], dilations=[1, 1])
for op, low in ("Mul", 0.5), ("Div", 1.0), ("Sub", -0.5):
    floats(f"left.{op}", (5, 1, 1), low, 1.5)
node("Mul", ["left", "left.Mul"], "left.scaled")
node("Div", ["left.scaled", "left.Div"], "left.divided")
node("Sub", ["left.divided", "left.Sub"], "left.moved")
floats("right.slope", (5, 1, 1), -0.5, 1.5)
node("PRelu", ["right", "right.slope"], "right.prelu")
node("Add", ["left.moved", "right.prelu"], "meet")
node("AveragePool", ["meet"], "mean", kernel_shape=[3, 3], strides=[1, 1], pads=[1, 1, 1, 1])
node("GlobalAveragePool", ["mean"], "global")
# A branch that grows, moves its pixels and shrinks to a number per channel.
floats("up.w", (5, 8, 2, 2))
node("ConvTranspose", ["meet", "up.w"], "up", strides=[2, 2])
node("DepthToSpace", ["up"], "pixels", blocksize=2)
node("SpaceToDepth", ["pixels"], "blocks", blocksize=2)
ints("split.sizes", [3, 5])
node("Split", ["blocks", "split.sizes"], "three", "five", axis=1)
scalar("least", -2)
node("Max", ["three", "least"], "three.low")
node("Min", ["three.low", "hi"], "three.high")
floats("five.w", (3, 5, 1, 1))
node("Conv", ["five", "five.w"], "five.three")
node("Sum", ["three.high", "five.three"], "three.sum")
node("Mean", ["three.sum", "five.three"], "three.mean")
initializers.append('initializer { name: "twice" data_type: 1 dims: 4 float_data: [1, 1, 2, 2] }')
node("Resize", ["three.mean", "", "twice"], "large", mode="nearest", coordinate_transformation_mode="asymmetric",
     nearest_mode="floor")
ints("plane", [2, 3])
node("ReduceMean", ["large", "plane"], "large.mean")
node("ReduceMax", ["three.sum", "plane"], "three.most")
node("GlobalMaxPool", ["blocks"], "blocks.most")
node("Concat", ["large.mean", "three.most", "blocks.most"], "branch", axis=1)
floats("branch.w", (5, 14, 1, 1))
node("Conv", ["branch", "branch.w"], "branch.five")
node("Add", ["global", "branch.five"], "both")
node("Shape", ["both"], "shape")
ints("first", [0])
node("Gather", ["shape", "first"], "batch", axis=0)
node("Constant", [], "rest", value_ints=[-1])
node("Concat", ["batch", "rest"], "flat.shape", axis=0)
node("Cast", ["flat.shape"], "flat.cast", to=7)
node("Reshape", ["both", "flat.cast"], "flat")
# Its weights by way of shapes: rows 0…4 of theirs, times the identity.
floats("fc.w", (5, 6))
floats("fc.b", (6,))
node("Size", ["both"], "rows")
initializers.append('initializer { name: "from" data_type: 7 int64_data: 0 }')
initializers.append('initializer { name: "by" data_type: 7 int64_data: 1 }')
node("Range", ["from", "rows", "by"], "order")
node("Gather", ["fc.w", "order"], "fc.rows", axis=0)
ints("square", [6, 6])
node("ConstantOfShape", ["square"], "zeros")
node("EyeLike", ["zeros"], "eye")
node("MatMul", ["fc.rows", "eye"], "fc.same")
node("Gemm", ["flat", "fc.same", "fc.b"], "fc")
node("Relu", ["fc"], "fc.relu")
floats("mm.w", (4, 6))
node("Transpose", ["mm.w"], "mm.wt", perm=[1, 0])
node("MatMul", ["fc.relu", "mm.wt"], "mm")
# Functions of one element, one behind the other, with their default attributes: the rows of the table.
table = pathlib.Path(__file__).resolve().parents[2] / "ir" / "base" / "ops" / "ops.def"
previous = "mm"
for name, onnx in re.findall(r'^IR_FUNCTION\((\w+), *"\w+", *"(\w+)"', table.read_text(), re.M):
    node(onnx, [previous], "f." + name)
    previous = "f." + name
ints("last", [2])
node("Unsqueeze", [previous, "last"], "mm.3d")
node("Squeeze", ["mm.3d", "last"], "mm.2d")
node("Flatten", ["mm.2d"], "logits")
node("Softmax", ["logits"], "y", axis=1)

lines = initializers + nodes
print("# Made by tests/models/operators.py.")
print('ir_version: 8\nopset_import { version: 28 }\ngraph {\n  name: "operators"')
for line in lines:
    print("  " + line.replace("\n", "\n  "))
print('  input { name: "x" type { tensor_type { elem_type: 1 shape {')
print('    dim { dim_param: "N" } dim { dim_value: 3 } dim { dim_value: 16 } dim { dim_value: 12 } } } } }')
print('  output { name: "y" type { tensor_type { elem_type: 1 shape { dim { dim_param: "N" } dim { dim_value: 4 } } } } }\n}')
