"""A small builder of ONNX networks: layers in, nodes and weight shapes out.

Values are names; shape[name] is channels, height, width of one image. The same network comes out at every opset, in the
forms that exporters wrote at that one: where an operator had not come yet, what stood for it then. Weights stay descriptions (shape and kind) until
model() makes arrays of them, so that even the largest network can be counted at once. He initialisation; what it needs on
data is in liveness.py.
"""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSETS = range(7, 24)
ZERO, ONE, FAN_IN = "zero", "one", "fan-in"  # kinds of weights; an array stands for itself


class Net:
    def __init__(self, name, size=224, width=1.0, classes=1000, batchnorm="apart", opset=13):
        self.name, self.width, self.classes = name, width, classes
        self.batchnorm, self.opset = batchnorm, opset
        self.nodes, self.weights, self.shape = [], {}, {"image": (3, size, size)}
        self.stage, self.taken = "stem", set()
        self.macs = 0
        self.parameters = 0

    def ch(self, channels):
        """Channels of a network of this width: multiples of 8, as MobileNet does it."""
        return channels if self.width == 1 else max(8, round(channels * self.width / 8) * 8)

    # -- the least common part

    def unique(self, name):
        wanted, i = f"{self.stage}.{name}", 1
        while wanted in self.taken:
            i += 1
            wanted = f"{self.stage}.{name}{i}"
        self.taken.add(wanted)
        return wanted

    def node(self, op, inputs, shapes, name=None, **attributes):
        """The node's output, or all of them where shapes is a list. A name comes from unique()."""
        name = name or self.unique(op.lower())
        several = isinstance(shapes, list)
        if any(size < 1 for shape in (shapes if several else [shapes]) for size in shape or ()):
            raise ValueError(f"{name}: nothing is left of the image; a larger --size is needed")
        outputs = [f"{name}.out{i}" for i in range(len(shapes))] if several else [f"{name}.out"]
        self.nodes.append(helper.make_node(op, inputs, outputs, name=name, **attributes))
        self.shape.update(zip(outputs, shapes if several else [shapes]))
        return outputs if several else outputs[0]

    def weight(self, name, shape, kind, learned=True):
        self.weights[name] = (tuple(shape), kind)
        if learned:
            self.parameters += int(np.prod(shape))
        return name

    def constant(self, name, values, dtype):
        array = np.array(values, dtype)
        self.weights[name] = (array.shape, array)
        return name

    def list(self, name, values):
        return self.constant(f"{name}{'x'.join(map(str, values))}", values, np.int64)

    def scalar(self, value):
        return self.constant(f"index{value}", value, np.int64)

    def real(self, value):
        return self.constant(f"real{value:g}", value, np.float32)

    def binary(self, op, x, value):
        """x and a number."""
        return self.node(op, [x, self.real(value)], self.shape[x])

    def axes_op(self, op, x, axes, shape, **attributes):
        """An operator whose axes became an input: Squeeze and Unsqueeze at opset 13, reductions at 18."""
        if self.opset < (18 if op.startswith("Reduce") else 13):
            return self.node(op, [x], shape, axes=axes, **attributes)
        return self.node(op, [x, self.list("axes", axes)], shape, **attributes)

    def slice(self, x, start, end, axis, shape, step=1):
        if self.opset < 10:
            return self.node("Slice", [x], shape, starts=[start], ends=[end], axes=[axis])
        inputs = [x] + [self.list("slice", [v]) for v in (start, end, axis, step)]
        return self.node("Slice", inputs, shape)

    # -- layers

    def conv(self, x, out, kernel, stride=1, pad=None, group=1, act="relu", bn=True, bias=True, dilation=1):
        """Convolution, batch norm (or its bias) and activation. kernel and pad: a number, or rows and columns. Padding
        keeps the size where stride is 1; "same" is TensorFlow's, found by arithmetic on shapes within the graph."""
        if pad == "same":
            x, pad = self.same_pad(x, kernel, stride) if kernel > 1 else x, 0
        c, h, w = self.shape[x]
        kernel = pair(kernel)
        pad = [dilation * (k - 1) // 2 for k in kernel] if pad is None else pair(pad)
        rows, cols = ((s + 2 * p - dilation * (k - 1) - 1) // stride + 1 for s, k, p in zip((h, w), kernel, pad))
        norm_apart = bn and self.batchnorm == "apart"
        bias = (bn or bias) and not norm_apart
        base = self.unique("conv")
        inputs = [x, self.weight(f"{base}.weight", (out, c // group, *kernel), FAN_IN)]
        if bias:
            inputs.append(self.weight(f"{base}.bias", (out,), ZERO))
        more = {"dilations": [dilation] * 2} if dilation > 1 else {}
        y = self.node("Conv", inputs, (out, rows, cols), base, kernel_shape=kernel, strides=[stride] * 2,
                      pads=pad * 2, group=group, **more)
        self.macs += rows * cols * out * (c // group) * kernel[0] * kernel[1]
        return self.activation(self.norm(y) if norm_apart else y, act)

    def depthwise(self, x, kernel, stride=1, act="relu", pad=None):
        c = self.shape[x][0]
        return self.conv(x, c, kernel, stride, pad, group=c, act=act)

    def same_pad(self, x, kernel, stride):
        """TensorFlow's SAME as PyTorch exports it: how much is missing is computed from the shape of x, the list put into
        ONNX's order by Reshape, Slice and Transpose. Below opset 11 Pad has no input for it: it is an attribute."""
        c, h, w = self.shape[x]
        missing = [max((-(-s // stride) - 1) * stride + kernel - s, 0) for s in (h, w)]
        before = [m // 2 for m in missing]
        after = [m - b for m, b in zip(missing, before)]
        shape = (c, h + missing[0], w + missing[1])
        if self.opset < 11:
            return self.node("Pad", [x], shape, mode="constant", pads=[0, 0, *before, 0, 0, *after], value=0.0)
        ends = []
        for axis in 3, 2:  # PyTorch's lists begin with the last axis
            size = self.node("Gather", [self.node("Shape", [x], None), self.scalar(axis)], None, axis=0)
            size = self.node("Cast", [size], None, to=TensorProto.FLOAT)
            steps = self.node("Ceil", [self.binary("Div", size, stride)], None)
            reach = self.binary("Add", self.binary("Mul", self.binary("Sub", steps, 1), stride), kernel)
            lack = self.node("Max", [self.node("Sub", [reach, size], None), self.real(0)], None)
            half = self.node("Floor", [self.binary("Div", lack, 2)], None)
            ends += [half, self.node("Sub", [lack, half], None)]
        ends = [self.axes_op("Unsqueeze", self.node("Cast", [e], None, to=TensorProto.INT64), [0], None) for e in ends]
        rest = self.node("ConstantOfShape", [self.list("rest", [4])], None,
                         value=helper.make_tensor("value", TensorProto.INT64, [1], [0]))
        pads = self.node("Concat", ends + [rest], None, axis=0)
        pads = self.node("Reshape", [pads, self.list("pairs", [-1, 2])], None)
        pads = self.slice(pads, -1, -(2**63) + 1, 0, None, step=-1)
        pads = self.node("Transpose", [pads], None, perm=[1, 0])
        pads = self.node("Reshape", [pads, self.list("flat", [-1])], None)
        pads = self.node("Cast", [pads], None, to=TensorProto.INT64)
        return self.node("Pad", [x, pads, self.real(0)], shape, mode="constant")

    def norm(self, x):
        c = self.shape[x][0]
        name = self.unique("bn")
        learned = [self.weight(f"{name}.{part}", (c,), kind) for part, kind in (("scale", ONE), ("bias", ZERO))]
        measured = [self.weight(f"{name}.{part}", (c,), kind, learned=False)
                    for part, kind in (("mean", ZERO), ("var", ONE))]
        return self.node("BatchNormalization", [x] + learned + measured, self.shape[x], name, epsilon=1e-5)

    def activation(self, x, kind):
        return getattr(self, kind)(x) if kind else x

    def relu(self, x):
        return self.node("Relu", [x], self.shape[x])

    def relu6(self, x):
        if self.opset < 11:
            return self.node("Clip", [x], self.shape[x], self.unique("relu6"), min=0.0, max=6.0)
        bounds = [self.constant(name, value, np.float32) for name, value in (("zero", 0), ("six", 6))]
        return self.node("Clip", [x] + bounds, self.shape[x], self.unique("relu6"))

    def sigmoid(self, x):
        return self.node("Sigmoid", [x], self.shape[x])

    def hardsigmoid(self, x):
        return self.node("HardSigmoid", [x], self.shape[x], alpha=1 / 6, beta=0.5)

    def silu(self, x):
        return self.mul(x, self.sigmoid(x))

    def hardswish(self, x):
        if self.opset >= 14:
            return self.node("HardSwish", [x], self.shape[x])
        return self.binary("Div", self.mul(x, self.relu6(self.binary("Add", x, 3))), 6)

    def leaky(self, x):
        return self.node("LeakyRelu", [x], self.shape[x], alpha=0.1)

    def mul(self, a, b):
        return self.node("Mul", [a, b], self.shape[a])

    def add(self, a, b):
        assert self.shape[a] == self.shape[b], (self.stage, self.shape[a], self.shape[b])
        return self.node("Add", [a, b], self.shape[a])

    def concat(self, values, axis=1):
        shape = list(self.shape[values[0]])
        shape[axis - 1] = sum(self.shape[v][axis - 1] for v in values)
        return self.node("Concat", values, tuple(shape), axis=axis)

    def split(self, x, parts=None):
        """Of the channels, in two halves unless their numbers are given."""
        c = self.shape[x][0]
        parts = parts or [c // 2, c - c // 2]
        more = {"split": parts} if self.opset < 13 else {}
        inputs = [x] + ([self.list("parts", parts)] if self.opset >= 13 else [])
        return self.node("Split", inputs, [(part, *self.shape[x][1:]) for part in parts], axis=1, **more)

    def reshape(self, x, *shape):
        return self.node("Reshape", [x, self.list("shape", (0,) + shape)], shape)

    def transpose(self, x, *perm):
        return self.node("Transpose", [x], tuple(self.shape[x][p - 1] for p in perm[1:]), perm=perm)

    def softmax(self, x, axis):
        """Below opset 13 Softmax takes all axes from one on: the one that is meant becomes the last."""
        last = len(self.shape[x])
        if self.opset >= 13 or axis == last:
            return self.node("Softmax", [x], self.shape[x], axis=axis)
        perm = [p for p in range(last + 1) if p != axis] + [axis]
        x = self.node("Softmax", [self.transpose(x, *perm)], tuple(self.shape[x][p - 1] for p in perm[1:]), axis=last)
        return self.transpose(x, *[perm.index(p) for p in range(last + 1)])

    def shuffle(self, x, groups):
        """Channel i of group g becomes channel g of group i."""
        c, h, w = self.shape[x]
        x = self.reshape(x, groups, c // groups, h, w)
        return self.reshape(self.transpose(x, 0, 2, 1, 3, 4), c, h, w)

    def maxpool(self, x, kernel, stride, pad=0, ceil=False):
        return self.pool("MaxPool", x, kernel, stride, pad, ceil)

    def avgpool(self, x, kernel, stride, pad=0, **more):
        return self.pool("AveragePool", x, kernel, stride, pad, False, **more)

    def pool(self, op, x, kernel, stride, pad, ceil, **more):
        c, h, w = self.shape[x]
        if pad == "end":  # so that the size is kept
            return self.node(op, [x], (c, h, w), kernel_shape=[kernel] * 2, strides=[stride] * 2,
                             pads=[0, 0, kernel - 1, kernel - 1], **more)
        up = stride - 1 if ceil else 0
        rows, cols = ((s + 2 * pad - kernel + up) // stride + 1 for s in (h, w))
        if ceil and self.opset >= 10:
            more["ceil_mode"] = 1
        elif ceil:  # before opset 10: the same windows by padding at the end
            missing = [(n - 1) * stride + kernel - s - 2 * pad for n, s in ((rows, h), (cols, w))]
            more["pads"] = [pad, pad] + [pad + max(0, m) for m in missing]
        more.setdefault("pads", [pad] * 4)
        return self.node(op, [x], (c, rows, cols), kernel_shape=[kernel] * 2, strides=[stride] * 2, **more)

    def global_pool(self, x, reduce=False):
        """reduce: as TensorFlow's exports have it."""
        shape = (self.shape[x][0], 1, 1)
        if reduce:
            return self.axes_op("ReduceMean", x, [2, 3], shape, keepdims=1)
        return self.node("GlobalAveragePool", [x], shape)

    def upconv(self, x, out, kernel=2, stride=2, bias=True):
        """Transposed convolution that multiplies rows and columns by its stride."""
        c, h, w = self.shape[x]
        base = self.unique("up")
        pad = (kernel - stride) // 2
        inputs = [x, self.weight(f"{base}.weight", (c, out, kernel, kernel), FAN_IN)]
        if bias:
            inputs.append(self.weight(f"{base}.bias", (out,), ZERO))
        self.macs += h * w * c * out * kernel * kernel
        return self.node("ConvTranspose", inputs, (out, stride * h, stride * w), base, kernel_shape=[kernel] * 2,
                         strides=[stride] * 2, pads=[pad] * 4)

    def upsample(self, x, factor=2):
        """Each pixel several times."""
        c, h, w = self.shape[x]
        return self.resize(x, (c, factor * h, factor * w), "nearest", asymmetric=True)

    def resize(self, x, shape, mode, asymmetric):
        """Upsample up to opset 9, whose coordinates were what is called asymmetric later."""
        factors = [1.0, 1.0] + [to / of for to, of in zip(shape[1:], self.shape[x][1:])]
        if self.opset < 9:
            return self.node("Upsample", [x], shape, mode=mode, scales=factors)
        scales = self.constant("scales" + "x".join(f"{f:g}" for f in factors), factors, np.float32)
        if self.opset < 11:
            return self.node("Upsample" if self.opset < 10 else "Resize", [x, scales], shape, mode=mode)
        more = {"nearest_mode": "floor"} if mode == "nearest" else {}
        roi = "" if self.opset >= 13 else self.constant("roi", [], np.float32)
        return self.node("Resize", [x, roi, scales], shape, mode=mode,
                         coordinate_transformation_mode="asymmetric" if asymmetric else "half_pixel", **more)

    def resize_to(self, x, like):
        """Bilinear, to rows and columns of another value, whose shape the graph reads from opset 11 on."""
        shape = (self.shape[x][0], *self.shape[like][1:])
        if self.opset < 11:
            return self.resize(x, shape, "linear", asymmetric=True)
        kept = self.slice(self.node("Shape", [x], None), 0, 2, 0, None)
        taken = self.slice(self.node("Shape", [like], None), 2, 4, 0, None)
        sizes = self.node("Concat", [kept, taken], None, axis=0)
        none = ["", ""] if self.opset >= 13 else [self.constant("roi", [], np.float32), self.constant("none", [], np.float32)]
        return self.node("Resize", [x, *none, sizes], shape, mode="linear", coordinate_transformation_mode="half_pixel")

    def dense(self, x, out, act=None):
        count = int(np.prod(self.shape[x]))
        if len(self.shape[x]) > 1:
            x = self.node("Flatten", [x], (count,))
        base = self.unique("fc")
        inputs = [x, self.weight(f"{base}.weight", (out, count), FAN_IN), self.weight(f"{base}.bias", (out,), ZERO)]
        self.macs += count * out
        return self.activation(self.node("Gemm", inputs, (out,), base, transB=1), act)

    def classifier(self, x):
        self.stage = "head"
        return self.dense(self.global_pool(x), self.classes)

    # -- the model

    def array(self, name, rng):
        shape, kind = self.weights[name]
        if isinstance(kind, np.ndarray):
            return kind
        if kind == FAN_IN:
            return he_array(rng, shape)
        return np.full(shape, 1 if kind == ONE else 0, np.float32)

    def model(self, outputs, seed):
        rng = np.random.default_rng(seed)
        ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ("N",) + self.shape[name])
                for name in ["image"] + outputs]
        initializers = [numpy_helper.from_array(self.array(name, rng), name) for name in self.weights]
        opsets = [helper.make_opsetid("", self.opset)]
        ir_version = helper.find_min_ir_version_for(opsets)
        inputs = ends[:1]
        if ir_version < 4:  # weights were inputs, with a value for whoever had no better one
            inputs += [helper.make_tensor_value_info(i.name, i.data_type, i.dims) for i in initializers]
        graph = helper.make_graph(self.nodes, self.name, inputs, ends[1:], initializers)
        return helper.make_model(graph, opset_imports=opsets, producer_name="tests/models", ir_version=ir_version)


def pair(value):
    return [value, value] if isinstance(value, int) else list(value)


def he_array(rng, shape):
    """Normal, of variance 2 / fan-in; [out, in, …]."""
    fan_in = int(np.prod(shape[1:]))
    return (rng.standard_normal(shape, np.float32) * np.float32(np.sqrt(2 / max(fan_in, 1)))).astype(np.float32)
