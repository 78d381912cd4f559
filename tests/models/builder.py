"""A small builder of ONNX networks: layers in, nodes and weight shapes out.

Values are names; shape[name] is channels, height, width of one image. Weights stay descriptions (shape and kind) until
model() makes arrays of them, so that even the largest network can be counted at once. He initialisation; what it needs on
data is in liveness.py.
"""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSETS = range(9, 24)
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

    # -- layers

    def conv(self, x, out, kernel, stride=1, pad=None, group=1, act="relu", bn=True, bias=True):
        """Convolution, batch norm (or its bias) and activation. Padding keeps the size where stride is 1."""
        c, h, w = self.shape[x]
        pad = kernel // 2 if pad is None else pad
        rows, cols = ((s + 2 * pad - kernel) // stride + 1 for s in (h, w))
        norm_apart = bn and self.batchnorm == "apart"
        bias = (bn or bias) and not norm_apart
        base = self.unique("conv")
        inputs = [x, self.weight(f"{base}.weight", (out, c // group, kernel, kernel), FAN_IN)]
        if bias:
            inputs.append(self.weight(f"{base}.bias", (out,), ZERO))
        y = self.node("Conv", inputs, (out, rows, cols), base, kernel_shape=[kernel] * 2, strides=[stride] * 2,
                      pads=[pad] * 4, group=group)
        self.macs += rows * cols * out * (c // group) * kernel * kernel
        return self.activation(self.norm(y) if norm_apart else y, act)

    def depthwise(self, x, kernel, stride=1, act="relu"):
        c = self.shape[x][0]
        return self.conv(x, c, kernel, stride, group=c, act=act)

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
        return self.mul(x, self.hardsigmoid(x))

    def mul(self, a, b):
        return self.node("Mul", [a, b], self.shape[a])

    def add(self, a, b):
        assert self.shape[a] == self.shape[b], (self.stage, self.shape[a], self.shape[b])
        return self.node("Add", [a, b], self.shape[a])

    def concat(self, values):
        c = sum(self.shape[v][0] for v in values)
        return self.node("Concat", values, (c,) + self.shape[values[0]][1:], axis=1)

    def split(self, x):
        """Two halves of the channels."""
        c, h, w = self.shape[x]
        halves = [c // 2, c - c // 2]
        more = {"split": halves} if self.opset < 13 else {}
        inputs = [x] + ([self.constant(f"halves{c}", halves, np.int64)] if self.opset >= 13 else [])
        return self.node("Split", inputs, [(half, h, w) for half in halves], axis=1, **more)

    def shuffle(self, x, groups):
        """Channel i of group g becomes channel g of group i."""
        c, h, w = self.shape[x]
        for op, shape in (("Reshape", (0, groups, c // groups, h, w)), ("Transpose", None), ("Reshape", (0, c, h, w))):
            if op == "Transpose":
                x = self.node(op, [x], None, perm=[0, 2, 1, 3, 4])
            else:
                name = "shape" + "x".join(map(str, shape))
                x = self.node(op, [x, self.constant(name, shape, np.int64)], (c, h, w))
        return x

    def maxpool(self, x, kernel, stride, pad=0, ceil=False):
        return self.pool("MaxPool", x, kernel, stride, pad, ceil)

    def avgpool(self, x, kernel, stride, pad=0):
        return self.pool("AveragePool", x, kernel, stride, pad, False)

    def pool(self, op, x, kernel, stride, pad, ceil):
        c, h, w = self.shape[x]
        up = stride - 1 if ceil else 0
        rows, cols = ((s + 2 * pad - kernel + up) // stride + 1 for s in (h, w))
        more = {}
        if ceil and self.opset >= 10:
            more["ceil_mode"] = 1
        elif ceil:  # before opset 10: the same windows by padding at the end
            missing = [(n - 1) * stride + kernel - s - 2 * pad for n, s in ((rows, h), (cols, w))]
            more["pads"] = [pad, pad] + [pad + max(0, m) for m in missing]
        more.setdefault("pads", [pad] * 4)
        return self.node(op, [x], (c, rows, cols), kernel_shape=[kernel] * 2, strides=[stride] * 2, **more)

    def global_pool(self, x):
        return self.node("GlobalAveragePool", [x], (self.shape[x][0], 1, 1))

    def upconv(self, x, out):
        """Transposed convolution, 2 × 2, stride 2."""
        c, h, w = self.shape[x]
        base = self.unique("up")
        inputs = [x, self.weight(f"{base}.weight", (c, out, 2, 2), FAN_IN), self.weight(f"{base}.bias", (out,), ZERO)]
        self.macs += h * w * c * out * 4
        return self.node("ConvTranspose", inputs, (out, 2 * h, 2 * w), base, kernel_shape=[2, 2], strides=[2, 2])

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

    def model(self, output, seed):
        rng = np.random.default_rng(seed)
        ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ("N",) + self.shape[name])
                for name in ("image", output)]
        initializers = [numpy_helper.from_array(self.array(name, rng), name) for name in self.weights]
        graph = helper.make_graph(self.nodes, self.name, ends[:1], ends[1:], initializers)
        opsets = [helper.make_opsetid("", self.opset)]
        return helper.make_model(graph, opset_imports=opsets, producer_name="tests/models",
                                 ir_version=helper.find_min_ir_version_for(opsets))


def he_array(rng, shape):
    """Normal, of variance 2 / fan-in; [out, in, …]."""
    fan_in = int(np.prod(shape[1:]))
    return (rng.standard_normal(shape, np.float32) * np.float32(np.sqrt(2 / max(fan_in, 1)))).astype(np.float32)
