"""Data-dependent normalisation of a model with random weights, and the check that its layers live.

Random weights alone make deep networks die (all zeros behind a ReLU) or explode. normalise() runs seeded images through the
model, one node after the other, and sets each layer's weights from what comes out of it: every channel of a convolution,
dense layer or batch norm leaves with a random mean near 0 and a deviation near 1, so that about half of it is negative.
Works on any ONNX graph whose weights are initializers.
"""
import sys

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper, numpy_helper

MEAN, STD = 0.5, 0.25  # of the images' bytes / 255: nbqc --mean=0.5 --std=0.25
SPREAD = 0.7           # of the images: hardly any byte is cut
PER_CHANNEL = 64       # values that a channel's own deviation needs; else that of all channels is taken
WEIGHTED = {"Conv": 0, "ConvTranspose": 1, "Gemm": None, "MatMul": 1}  # axis of the weight's outputs


def samples(seed, count, shape):
    """Byte images N×C×H×W: soft random fields of several sizes, a colour each, some noise."""
    rng = np.random.default_rng(seed)
    c, h, w = shape
    images = np.zeros((count,) + tuple(shape))
    for cells in (1, 2, 4, 8, 16):
        grid = rng.standard_normal((count, c, cells + 1, cells + 1))
        rows, cols = np.linspace(0, cells, h), np.linspace(0, cells, w)
        y, x = np.minimum(rows.astype(int), cells - 1), np.minimum(cols.astype(int), cells - 1)
        fy, fx = (rows - y)[:, None], cols - x
        corner = [[grid[:, :, y + i][:, :, :, x + k] for k in (0, 1)] for i in (0, 1)]
        field = sum(corner[i][k] * (fy if i else 1 - fy) * (fx if k else 1 - fx) for i in (0, 1) for k in (0, 1))
        images += field * rng.uniform(0.1, 1, (count, 1, 1, 1))
    images += 0.2 * rng.standard_normal(images.shape)
    images *= SPREAD / images.std()
    return np.clip(np.rint(255 * (MEAN + STD * images)), 0, 255).astype(np.uint8)


def preprocess(images):
    return ((images / 255 - MEAN) / STD).astype(np.float32)


def input_of(model):
    """Name and C×H×W of the one input that is no weight."""
    weights = {i.name for i in model.graph.initializer}
    entry, = [i for i in model.graph.input if i.name not in weights]
    return entry.name, [d.dim_value for d in entry.type.tensor_type.shape.dim][1:]


class Runner:
    """Runs a model node by node, several images side by side; a visitor may change weights on the way."""

    def __init__(self, model):
        self.model = model
        self.weights = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
        self.uses = {}
        for node in model.graph.node:
            for name in node.input:
                self.uses.setdefault(name, []).append(node)

    def session(self, node):
        options = ort.SessionOptions()
        options.log_severity_level = 3
        known = list(dict.fromkeys(name for name in node.input if name))
        values = [self.values[name][0] if name in self.values else self.weights[name] for name in known]
        inputs = [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(v.dtype),
                                                v.shape if name in self.weights else [None] * v.ndim)
                  for name, v in zip(known, values)]
        outputs = [onnx.ValueInfoProto(name=name) for name in node.output if name]
        single = helper.make_model(helper.make_graph([node], "node", inputs, outputs),
                                   opset_imports=self.model.opset_import, ir_version=self.model.ir_version)
        return ort.InferenceSession(single.SerializeToString(), options, providers=["CPUExecutionProvider"]), known

    def fold(self, node):
        """A node of weights only gives a weight."""
        session, known = self.session(node)
        results = session.run(None, {k: self.weights[k] for k in known})
        self.weights.update(zip((o for o in node.output if o), results))

    def run_node(self, node):
        session, known = self.session(node)
        count = max(len(self.values[k]) for k in known if k in self.values)
        results = [session.run(None, {k: self.values[k][i] if k in self.values else self.weights[k] for k in known})
                   for i in range(count)]
        return [[r[k] for r in results] for k in range(len(results[0]))]

    def run(self, name, images, visit):
        """visit(runner, node, outputs): a list of arrays per output; what it returns takes their place."""
        self.values = {name: [image[None] for image in images]}
        left = {name: len(nodes) for name, nodes in self.uses.items()}
        for node in self.model.graph.node:
            if node.op_type == "Shape" and node.input[0] in self.values:  # the same of every image
                self.weights[node.output[0]] = np.array(self.values[node.input[0]][0].shape, np.int64)
                continue
            if all(i in self.weights for i in node.input if i):
                self.fold(node)
                continue
            outputs = visit(self, node, self.run_node(node))
            self.values.update(zip((o for o in node.output if o), outputs))
            for name in node.input:
                left[name] -= 1
                if left[name] == 0:
                    self.values.pop(name, None)

    def store(self):
        """Weights that changed, back into the model."""
        for i, old in enumerate(self.model.graph.initializer):
            self.model.graph.initializer[i].CopyFrom(numpy_helper.from_array(self.weights[old.name], old.name))


def per_channel(values, like):
    return np.reshape(values, (1, -1) + (1,) * (like.ndim - 2)).astype(np.float32)


def statistics(arrays):
    """Mean and deviation by channel (axis 1) over all images; the deviation of all of them where values are few."""
    x = np.moveaxis(np.concatenate(arrays), 1, 0).reshape(arrays[0].shape[1], -1).astype(np.float64)
    mean, std = x.mean(1), x.std(1)
    if x.shape[1] < PER_CHANNEL:
        std[:] = np.sqrt((std**2).mean())
    if not (std > 0).all():
        raise SystemExit(f"error: {int((std <= 0).sum())} of {len(std)} channels are constant")
    return mean, std


class Normaliser:
    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def wanted(self, channels):
        return self.rng.normal(0, 0.25, channels), self.rng.uniform(0.8, 1.25, channels)

    def batchnorm(self, r, node, outputs):
        x = r.values[node.input[0]]
        (mean, std), (shift, scale) = statistics(x), self.wanted(x[0].shape[1])
        for name, value in zip(node.input[1:], (scale, shift, mean, std**2)):
            r.weights[name] = value.astype(np.float32)
        return [r.run_node(node)[0]]

    def weighted(self, r, node, outputs):
        weight, bias = node.input[1], node.input[2] if len(node.input) > 2 else None
        users = r.uses.get(node.output[0], [])
        if weight not in r.weights or (len(users) == 1 and users[0].op_type == "BatchNormalization"):
            return outputs
        (mean, std), (shift, scale) = statistics(outputs[0]), self.wanted(outputs[0][0].shape[1])
        axis = WEIGHTED[node.op_type]
        if axis is None:
            axis = 0 if any(a.name == "transB" and a.i for a in node.attribute) else 1
        ratio = scale / std
        form = [1] * r.weights[weight].ndim
        form[axis] = -1
        r.weights[weight] = (r.weights[weight] * ratio.reshape(form)).astype(np.float32)
        if bias:
            r.weights[bias] = ((r.weights[bias] - mean) * ratio + shift).astype(np.float32)
        return [r.run_node(node)[0]]

    def visit(self, r, node, outputs):
        if node.op_type == "BatchNormalization":
            return self.batchnorm(r, node, outputs)
        return self.weighted(r, node, outputs) if node.op_type in WEIGHTED else outputs


def counts_for(shape):
    """Enough images for the statistics of the last, smallest planes."""
    return int(np.clip(2 * 224 * 224 // (shape[1] * shape[2]), 8, 96))


def normalise(model, seed):
    name, shape = input_of(model)
    runner = Runner(model)
    runner.run(name, preprocess(samples(seed, counts_for(shape), shape)), Normaliser(seed).visit)
    runner.store()


def take_weights(model, twin):
    """Those of a model that has the same ones, by name."""
    made = {i.name: i for i in twin.graph.initializer}
    for i in model.graph.initializer:
        if i.name in made:
            i.CopyFrom(made[i.name])


# ---- do all layers live?

class Checker:
    """A layer is dead when it is constant, not finite, or nearly all zeros, or when many of its channels are."""

    ZEROS, DEAD_CHANNELS, FLAT = 0.95, 0.2, 1e-3

    def __init__(self, out=None):
        self.bad, self.layers, self.out = [], 0, out

    def visit(self, r, node, outputs):
        for name, arrays in zip(node.output, outputs):
            used = name in r.uses or any(name == o.name for o in r.model.graph.output)
            if used and arrays[0].dtype == np.float32 and arrays[0].ndim > 1:
                self.layer(node, name, np.concatenate(arrays))
        return outputs

    def layer(self, node, name, y):
        self.layers += 1
        rows = np.moveaxis(y, 1, 0).reshape(y.shape[1], -1)
        dead, zeros, std = (np.ptp(rows, 1) == 0).mean(), (y == 0).mean(), y.std()
        text = (f"{node.name if name == node.output[0] and node.name else name:32} {node.op_type:18} {'×'.join(map(str, y.shape[1:])):14}"
                f" std {std:8.3g}  zeros {100 * zeros:5.1f} %  dead channels {100 * dead:5.1f} %")
        lives = np.isfinite(y).all() and std >= self.FLAT * np.abs(y).max() and std > 0
        if not lives or zeros > self.ZEROS or dead > self.DEAD_CHANNELS:
            self.bad.append(text)
        if self.out:
            print(text, file=self.out)


def check(model, seed, out=None):
    """Runs other images than normalise() saw; the lines of dead layers, and the number of all."""
    name, shape = input_of(model)
    checker = Checker(out)
    Runner(model).run(name, preprocess(samples(seed + 1, counts_for(shape), shape)), checker.visit)
    return checker.bad, checker.layers



def finish(model, args, what, twin=None):
    """Makes the weights live, prints what the model is, writes what was asked for unless a layer is dead; the exit code.
    twin: the model in another form, which sets the weights of both, so that they are the same to the last bit."""
    onnx.checker.check_model(model, full_check=True)
    normalise(twin or model, args.seed)
    if twin:
        take_weights(model, twin)
    bad, layers = check(model, args.seed, sys.stdout if args.check else None)
    print(f"{what}; {layers} layers, {len(bad)} of them dead")
    for line in bad:
        print(f"dead: {line}", file=sys.stderr)
    if args.output and not bad:
        onnx.save(model, args.output)
    if args.samples and not bad:
        np.save(args.samples, samples(args.seed + 1, 16, input_of(model)[1]))
    return 1 if bad else 0
