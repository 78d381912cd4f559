#!/usr/bin/env python3
"""Makes the bundled example: pictures of shapes, and a small network trained on them.

    python3 examples/make_shapes.py            (needs numpy and onnx; about five minutes)

writes examples/shapes.onnx and examples/shapes/CLASS/N.png. Everything is drawn and trained here from a seed: 32×32
pictures of six shapes in random colours, places, sizes and angles over a noisy background; a convolutional network of
four layers with a residual addition, trained with Adam in plain numpy, with noise on the weights. Input: R, G, B
planes, x/255, mean 0.5, std 0.25.
"""
import os
import struct
import sys
import zlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CLASSES = ["circle", "cross", "ring", "square", "stripes", "triangle"]
SIDE = 32
HERE = os.path.dirname(os.path.abspath(__file__))


def draw(rng, kind):
    """One picture, uint8 [32, 32, 3]."""
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(float) + 0.5
    size = rng.uniform(6, 12)
    cx, cy = rng.uniform(size, SIDE - size, 2)
    a = rng.uniform(0, 2 * np.pi)
    u = ((x - cx) * np.cos(a) + (y - cy) * np.sin(a)) / size
    v = (-(x - cx) * np.sin(a) + (y - cy) * np.cos(a)) / size
    r = np.hypot(u, v)
    inside = {
        "circle": r < 0.9,
        "ring": (r < 0.95) & (r > 0.55),
        "square": np.maximum(abs(u), abs(v)) < 0.75,
        "cross": ((abs(u) < 0.28) | (abs(v) < 0.28)) & (r < 1),
        "triangle": (v > -0.5) & (v + 1.73 * abs(u) < 1.0),
        "stripes": (np.sin(u * 9) > 0) & (r < 1),
    }[kind]
    back, front = rng.uniform(0, 1, 3), rng.uniform(0, 1, 3)
    while np.abs(back - front).sum() < 0.8:
        front = rng.uniform(0, 1, 3)
    picture = np.where(inside[..., None], front, back) + rng.normal(0, 0.06, (SIDE, SIDE, 3))
    return (np.clip(picture, 0, 1) * 255).round().astype(np.uint8)


def batch(rng, n):
    labels = rng.integers(0, len(CLASSES), n)
    pictures = np.stack([draw(rng, CLASSES[k]) for k in labels])
    return pictures, labels


def preprocess(pictures):
    return ((pictures / 255.0 - 0.5) / 0.25).transpose(0, 3, 1, 2).astype(np.float32)


def columns(x):
    """3×3 windows with a border of zeros: [N, C, H, W] to [N, H, W, C·9]."""
    n, c, h, w = x.shape
    p = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    win = np.lib.stride_tricks.sliding_window_view(p, (3, 3), axis=(2, 3))
    return win.transpose(0, 2, 3, 1, 4, 5).reshape(n, h, w, c * 9)


def conv(x, w, b):
    cols = columns(x)
    return (cols @ w.reshape(w.shape[0], -1).T + b).transpose(0, 3, 1, 2), cols


def conv_back(g, cols, w):
    """Gradients of weights, bias, input."""
    o, c = w.shape[:2]
    flat = g.transpose(0, 2, 3, 1).reshape(-1, o)
    gw = (flat.T @ cols.reshape(-1, c * 9)).reshape(w.shape)
    turned = w[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)
    gx, _ = conv(g, np.ascontiguousarray(turned), 0)
    return gw, flat.sum(0), gx


def pool(x):
    n, c, h, w = x.shape
    win = x.reshape(n, c, h // 2, 2, w // 2, 2)
    y = win.max((3, 5))
    return y, win == y[:, :, :, None, :, None]


def pool_back(g, mask):
    n, c, h, _, w, _ = mask.shape
    share = mask / mask.sum((3, 5), keepdims=True)
    return (share * g[:, :, :, None, :, None]).reshape(n, c, 2 * h, 2 * w)


def forward(p, x):
    t = {}
    a, t["c1"] = conv(x, p["w1"], p["b1"])
    t["a1"] = np.maximum(a, 0)
    q, t["m1"] = pool(t["a1"])
    a, t["c2"] = conv(q, p["w2"], p["b2"])
    t["a2"] = np.maximum(a, 0)
    a, t["c3"] = conv(t["a2"], p["w3"], p["b3"])
    t["a3"] = np.maximum(a + t["a2"], 0)
    q, t["m3"] = pool(t["a3"])
    a, t["c4"] = conv(q, p["w4"], p["b4"])
    t["a4"] = np.maximum(a, 0)
    t["mean"] = t["a4"].mean((2, 3))
    return t["mean"] @ p["w5"].T + p["b5"], t


def backward(p, t, g):
    d = {"w5": g.T @ t["mean"], "b5": g.sum(0)}
    h = t["a4"].shape[2]
    g = np.repeat(np.repeat((g @ p["w5"])[:, :, None, None] / (h * h), h, 2), h, 3) * (t["a4"] > 0)
    d["w4"], d["b4"], g = conv_back(g, t["c4"], p["w4"])
    g = pool_back(g, t["m3"]) * (t["a3"] > 0)
    skip = g
    d["w3"], d["b3"], g = conv_back(g, t["c3"], p["w3"])
    g = (g + skip) * (t["a2"] > 0)
    d["w2"], d["b2"], g = conv_back(g, t["c2"], p["w2"])
    g = pool_back(g, t["m1"]) * (t["a1"] > 0)
    d["w1"], d["b1"], _ = conv_back(g, t["c1"], p["w1"])
    return d


def vary(rng, pictures):
    """Mirrored, turned, colours exchanged: still the same shape."""
    pictures = pictures[:, ::rng.choice([-1, 1]), ::rng.choice([-1, 1])]
    if rng.random() < 0.5:
        pictures = pictures.transpose(0, 2, 1, 3)
    return pictures[..., rng.permutation(3)]


def train(rng, steps=3000, size=64, bank=8000):
    shapes = {"w1": (16, 3, 3, 3), "w2": (24, 16, 3, 3), "w3": (24, 24, 3, 3), "w4": (32, 24, 3, 3), "w5": (6, 32)}
    p = {}
    for k, s in shapes.items():
        p[k] = rng.normal(0, np.sqrt(2 / np.prod(s[1:])), s).astype(np.float32)
        p["b" + k[1:]] = np.zeros(s[0], np.float32)
    all_pictures, all_labels = batch(rng, bank)
    m = {k: np.zeros_like(v) for k, v in p.items()}
    s = {k: np.zeros_like(v) for k, v in p.items()}
    for step in range(1, steps + 1):
        chosen = rng.integers(0, bank, size)
        pictures, labels = vary(rng, all_pictures[chosen]), all_labels[chosen]
        # Rounding to a power of two moves weights by up to a third: train under noise, so that the
        # network does not lean on exact weights.
        noisy = {k: v * rng.uniform(0.8, 1.25, v.shape).astype(np.float32) if k[0] == "w" else v
                 for k, v in p.items()}
        logits, t = forward(noisy, preprocess(pictures))
        e = np.exp(logits - logits.max(1, keepdims=True))
        prob = e / e.sum(1, keepdims=True)
        g = prob.copy()
        g[np.arange(size), labels] -= 1
        rate = 3e-3 * 0.5 * (1 + np.cos(np.pi * step / steps))
        for k, d in backward(noisy, t, (g / size).astype(np.float32)).items():
            m[k] = 0.9 * m[k] + 0.1 * d
            s[k] = 0.99 * s[k] + 0.01 * d * d
            p[k] -= (rate * m[k] / (1 - 0.9 ** step) / (np.sqrt(s[k] / (1 - 0.99 ** step)) + 1e-8)).astype(np.float32)
        if step % 100 == 0:
            loss = -np.log(prob[np.arange(size), labels] + 1e-9).mean()
            print(f"step {step}: loss {loss:.3f}, accuracy {(logits.argmax(1) == labels).mean():.2f}", flush=True)
    return p


def save_model(p, path):
    node = helper.make_node
    same = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    nodes = [
        node("Conv", ["image", "w1", "b1"], ["c1"], "conv1", **same),
        node("Relu", ["c1"], ["a1"], "relu1"),
        node("MaxPool", ["a1"], ["p1"], "pool1", kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", ["p1", "w2", "b2"], ["c2"], "conv2", **same),
        node("Relu", ["c2"], ["a2"], "relu2"),
        node("Conv", ["a2", "w3", "b3"], ["c3"], "conv3", **same),
        node("Add", ["c3", "a2"], ["s3"], "add3"),
        node("Relu", ["s3"], ["a3"], "relu3"),
        node("MaxPool", ["a3"], ["p3"], "pool3", kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", ["p3", "w4", "b4"], ["c4"], "conv4", **same),
        node("Relu", ["c4"], ["a4"], "relu4"),
        node("GlobalAveragePool", ["a4"], ["g4"], "mean"),
        node("Flatten", ["g4"], ["f4"], "flatten"),
        node("Gemm", ["f4", "w5", "b5"], ["shape"], "classes", transB=1),
    ]
    graph = helper.make_graph(
        nodes, "shapes",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("shape", TensorProto.FLOAT, ["N", len(CLASSES)])],
        [numpy_helper.from_array(v, k) for k, v in sorted(p.items())])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8,
                              producer_name="nbq examples/make_shapes.py")
    onnx.checker.check_model(model)
    onnx.save(model, path)


def save_png(picture, path):
    h, w, _ = picture.shape
    raw = b"".join(b"\0" + picture[y].tobytes() for y in range(h))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, 8, 2, 0, 0, 0)) +
                chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b""))


def main():
    rng = np.random.default_rng(1)
    p = train(rng)
    pictures, labels = batch(np.random.default_rng(2), 2000)
    right = (forward(p, preprocess(pictures))[0].argmax(1) == labels).mean()
    print(f"float accuracy on 2,000 new pictures: {100 * right:.1f} %")
    save_model(p, os.path.join(HERE, "shapes.onnx"))
    rng = np.random.default_rng(3)
    for kind in CLASSES:
        folder = os.path.join(HERE, "shapes", kind)
        os.makedirs(folder, exist_ok=True)
        for i in range(8):
            save_png(draw(rng, kind), os.path.join(folder, f"{i}.png"))


if __name__ == "__main__":
    sys.exit(main())
