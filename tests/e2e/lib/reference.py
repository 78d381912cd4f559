"""Compares nbq-run --reference with ONNX Runtime on one model.

    reference.py NBQ_RUN MODEL IMAGES TMP --count=N [--scale=s] [--mean=a,b,c] [--std=a,b,c] [--bgr]

IMAGES is a file of MNIST or CIFAR-10 images, enlarged (bilinear) where the network wants larger ones. The error of an image
is the largest difference of any output element, relative to the largest magnitude in that output; it must be below 1e-4.
Beside it stands the largest relative error of an element, over elements of at least a thousandth of that magnitude.
"""
import argparse
import os
import subprocess

import numpy as np
import onnxruntime as ort

BAR = 1e-4


def triple(text):
    values = [float(v) for v in text.split(",")]
    return np.array(values)[:, None, None]


def enlarge(x, size):
    """x[..., h, w] to size × size, half-pixel centres."""
    for axis in -2, -1:
        at = np.clip((np.arange(size) + 0.5) * x.shape[axis] / size - 0.5, 0, x.shape[axis] - 1)
        low = np.minimum(at.astype(int), x.shape[axis] - 2)
        part = (at - low)[:, None] if axis == -2 else at - low
        x = np.take(x, low, axis) * (1 - part) + np.take(x, low + 1, axis) * part
    return x


def images(path, count):
    raw = np.fromfile(path, np.uint8)
    if "idx3" in path:
        return raw[16:16 + count * 784].reshape(-1, 1, 28, 28)
    return raw[:count * 3073].reshape(-1, 3073)[:, 1:].reshape(-1, 3, 32, 32)


def arguments():
    parser = argparse.ArgumentParser()
    for name in "nbq_run", "model", "images", "tmp":
        parser.add_argument(name)
    parser.add_argument("--count", type=int)
    parser.add_argument("--scale", type=float, default=1 / 255)
    parser.add_argument("--mean", type=triple, default=0)
    parser.add_argument("--std", type=triple, default=1)
    parser.add_argument("--bgr", action="store_true")
    return parser.parse_known_args()[0]


args = arguments()
session = ort.InferenceSession(args.model, providers=["CPUExecutionProvider"])
entry = session.get_inputs()[0]
x = images(args.images, args.count)
if entry.shape[2] != x.shape[2]:
    x = enlarge(x, entry.shape[2])
if args.bgr:
    x = x[:, ::-1]
x = ((x * args.scale - args.mean) / args.std).astype(np.float32)
worst = elementwise = 0.0
for i, image in enumerate(x):
    np.save(f"{args.tmp}/in.npy", image[None])
    subprocess.run([args.nbq_run, "--reference", args.model, f"--input={args.tmp}/in.npy", f"--output={args.tmp}/out.npy"],
                   check=True, stdout=subprocess.DEVNULL)
    ours, theirs = np.load(f"{args.tmp}/out.npy"), session.run(None, {entry.name: image[None]})[0]
    assert ours.shape == theirs.shape, (ours.shape, theirs.shape)
    assert np.isfinite(ours).all() and theirs.std() > 0, f"image {i}: nothing to compare"
    top, difference = np.abs(theirs).max(), np.abs(ours - theirs)
    large = np.abs(theirs) >= top / 1000
    worst = max(worst, difference.max() / top)
    elementwise = max(elementwise, (difference[large] / np.abs(theirs)[large]).max())
print(f"{os.path.basename(args.model):30} {len(x):2} images, largest error {worst:.1e} of the largest output,"
      f" {elementwise:.1e} of an element (ONNX Runtime {ort.__version__})")
assert worst < BAR, f"expected less than {BAR}"
