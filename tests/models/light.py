"""ONNX's `light` models with weights that can be computed with.

    light.py light_resnet50.onnx -o resnet50.onnx [--seed=N] [--check] [--samples=FILE.npy]

The light models of ONNX's backend tests are well-known networks whose weights were replaced by constants (ConstantOfShape
0.02) to make small files: they test import and shapes, but every channel is the same. Here each constant becomes seeded
random weights of the right fan-in, normalised layer by layer (liveness.py), so that activations neither die nor saturate.
Needs onnx, onnxruntime and numpy.
"""
import argparse
import sys

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import numpy_helper

from arguments import ask_for_output, parse
from builder import he_array
from liveness import finish

VIEWS = ("Unsqueeze", "Reshape", "Squeeze", "Identity")


def uses_of(graph):
    uses = {}
    for node in graph.node:
        for i, name in enumerate(node.input):
            uses.setdefault(name, []).append((node, i))
    return uses


def role(uses, name):
    """What a weight is for: operator and input, looking through reshapes of it."""
    node, i = uses[name][0]
    return role(uses, node.output[0]) if node.op_type in VIEWS else (node, i)


def fresh(rng, node, i, shape):
    """Random weights for input i; scales are near 1 and offsets near 0 until normalise() sees to them."""
    if node.op_type in ("Conv", "Gemm", "MatMul") and i == 1:
        across = node.op_type == "MatMul" or node.op_type == "Gemm" and not any(
            a.name == "transB" and a.i for a in node.attribute)
        return he_array(rng, shape[::-1]).T.copy() if across else he_array(rng, shape)
    if node.op_type == "Mul" or (node.op_type == "BatchNormalization" and i in (1, 4)):
        return rng.uniform(0.8, 1.25, shape).astype(np.float32)
    return rng.normal(0, 0.1, shape).astype(np.float32)


def rewrite(model, seed):
    """The number of constants that became weights. Weights are no inputs any more."""
    rng, graph = np.random.default_rng(seed), model.graph
    uses = uses_of(graph)
    arrays = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    constants = [n for n in graph.node if n.op_type == "ConstantOfShape" and n.output[0] in uses]
    weights = {}
    for n in constants:
        node, i = role(uses, n.output[0])
        weights[n.output[0]] = fresh(rng, node, i, tuple(arrays[n.input[0]]))
    for name, array in arrays.items():  # batch norm's parts are initializers, all of one value
        if name in uses and array.dtype == np.float32 and array.size > 1:
            node, i = role(uses, name)
            weights[name] = fresh(rng, node, i, array.shape)
    kept = [n for n in graph.node if n not in constants]
    left = {name for n in kept for name in n.input}
    del graph.node[:]
    graph.node.extend(kept)
    arrays = {name: a for name, a in {**arrays, **weights}.items() if name in left}
    del graph.initializer[:]
    graph.initializer.extend(numpy_helper.from_array(a, name) for name, a in arrays.items())
    entries = [i for i in graph.input if i.name not in arrays and i.name in left]
    del graph.input[:]
    graph.input.extend(entries)
    model.ir_version = max(model.ir_version, 4)  # the first that lets weights be no inputs
    return len(weights)


def load(parser, path):
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
        return model
    except OSError as e:
        parser.error(f"cannot read '{path}': {e.strerror}")
    except (DecodeError, onnx.checker.ValidationError):
        parser.error(f"'{path}' is no ONNX model")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    args = parse(parser)
    ask_for_output(parser, args)
    model = load(parser, args.model)
    count = rewrite(model, args.seed)
    return finish(model, args, f"{args.model}: {count} weights")


if __name__ == "__main__":
    sys.exit(main())
