"""Compares nbq-run --reference with ONNX Runtime: reference.py NBQ_RUN RESNET20 MNIST DATA TMP."""
import subprocess
import sys

import numpy as np
import onnxruntime as ort

nbq_run, resnet20, mnist, data, tmp = sys.argv[1:]
COUNT = 16


def cifar():
    raw = np.fromfile(f"{data}/cifar10-test-lossless-1017.bin", np.uint8).reshape(-1, 3073)[:COUNT, 1:]
    x = raw.reshape(-1, 3, 32, 32) / 255.0
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    return ((x - mean[:, None, None]) / std[:, None, None]).astype(np.float32)


def digits():
    raw = np.fromfile(f"{data}/t10k-images-idx3-ubyte", np.uint8)[16:16 + COUNT * 784]
    return raw.reshape(-1, 1, 28, 28).astype(np.float32)


worst = 0.0
for model, images in ((resnet20, cifar()), (mnist, digits())):
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    for i, image in enumerate(images):
        np.save(f"{tmp}/in.npy", image[None])
        subprocess.run([nbq_run, "--reference", model, f"--input={tmp}/in.npy", f"--output={tmp}/out.npy"], check=True,
                       stdout=subprocess.DEVNULL)
        ours, theirs = np.load(f"{tmp}/out.npy"), session.run(None, {name: image[None]})[0]
        assert ours.shape == theirs.shape, (ours.shape, theirs.shape)
        error = np.abs(ours - theirs).max() / np.abs(theirs).max()
        worst = max(worst, error)
        assert error < 1e-4, f"{model}, image {i}: relative error {error}"
print(f"{2 * COUNT} images, largest relative error {worst:.2e} (ONNX Runtime {ort.__version__})")
