"""Well-known networks as ONNX files, with seeded random weights whose activations neither die nor saturate.

    networks.py NAME -o FILE.onnx [--size=N] [--width=F] [--classes=N] [--batchnorm=apart|folded] [--opset=N] [--seed=N]
    networks.py NAME --check          each layer's deviation, zeros and dead channels; exit code 1 when one is dead
    networks.py --list                names, and parameters and multiplications against the published figures
    networks.py NAME --samples=F.npy  byte images of the kind the weights were made for (--mean=0.5 --std=0.25)

The structures are the published ones, at full size and width to the parameter; --size and --width make small ones for tests.
What makes the weights live is in liveness.py. Needs onnx, onnxruntime and numpy.
"""
import argparse
import math
import sys
from typing import Callable, NamedTuple, Optional

import numpy as np

from arguments import ask_for_output, factor, parse, whole
from builder import OPSETS, Net
from liveness import finish

PLAIN_OPSET = 13  # whose form of a network sets the weights of all forms


# ---- residual networks: He et al. 2015; the bottleneck's stride is in its 3 × 3 convolution, as everybody has it since

# and four of them grouped: Xie et al. 2016; dilated, for FCN: Long et al. 2015 in torchvision's form.

def resnet(n, blocks, bottleneck):
    return n.classifier(resnet_features(n, blocks, bottleneck))


def resnet_features(n, blocks, bottleneck, group=1, dilations=(1, 1, 1, 1)):
    """A stage that dilates keeps its rows and columns; its first block has the dilation of the stage before."""
    x, dilation = n.maxpool(n.conv("image", n.ch(64), 7, 2), 3, 2, 1), 1
    for i, count in enumerate(blocks):
        for k in range(count):
            n.stage = f"layer{i + 1}.{k}"
            stride = 2 if i > 0 and k == 0 and dilations[i] == 1 else 1
            x = residual(n, x, n.ch(64 << i), stride, bottleneck, group, dilation)
            dilation = dilations[i]
    return x


def residual(n, x, width, stride, bottleneck, group=1, dilation=1):
    out = 4 * width if bottleneck else width
    if bottleneck:
        inner = 2 * width if group > 1 else width
        y = n.conv(n.conv(x, inner, 1), inner, 3, stride, group=math.gcd(group, inner), dilation=dilation)
        y = n.conv(y, out, 1, act=None)
    else:
        y = n.conv(n.conv(x, width, 3, stride), out, 3, act=None)
    if n.shape[x] != n.shape[y]:
        x = n.conv(x, out, 1, stride, act=None)
    return n.relu(n.add(y, x))


def resnext50(n):
    return n.classifier(resnet_features(n, (3, 4, 6, 3), True, group=32))


def fcn_resnet50(n):
    x = resnet_features(n, (3, 4, 6, 3), True, dilations=(1, 1, 2, 4))
    n.stage = "head"
    x = n.conv(x, n.ch(512), 3)
    return n.resize_to(n.conv(x, n.classes, 1, bn=False, act=None), "image")


# ---- plain ones: Krizhevsky 2014 (one column, no LRN), Simonyan and Zisserman 2014, Iandola et al. 2016 (release 1.1)

def dense_head(n, x):
    n.stage = "head"
    for _ in range(2):
        x = n.dense(x, n.ch(4096), "relu")
    return n.dense(x, n.classes)


def alexnet(n):
    x = n.maxpool(n.conv("image", n.ch(64), 11, 4, 2, bn=False), 3, 2)
    n.stage = "features"
    x = n.maxpool(n.conv(x, n.ch(192), 5, bn=False), 3, 2)
    for out in 384, 256, 256:
        x = n.conv(x, n.ch(out), 3, bn=False)
    return dense_head(n, n.maxpool(x, 3, 2))


def vgg(n, counts):
    x = "image"
    for i, count in enumerate(counts):
        n.stage = f"block{i + 1}"
        for _ in range(count):
            x = n.conv(x, n.ch(min(64 << i, 512)), 3, bn=False)
        x = n.maxpool(x, 2, 2)
    return dense_head(n, x)


def squeezenet(n):
    x = n.conv("image", n.ch(64), 3, 2, 0, bn=False)
    for i, (narrow, wide, pool) in enumerate([(16, 64, 1), (16, 64, 0), (32, 128, 1), (32, 128, 0),
                                              (48, 192, 1), (48, 192, 0), (64, 256, 0), (64, 256, 0)]):
        n.stage = f"fire{i + 2}"
        x = n.maxpool(x, 3, 2, ceil=True) if pool else x
        x = n.conv(x, n.ch(narrow), 1, bn=False)
        x = n.concat([n.conv(x, n.ch(wide), kernel, bn=False) for kernel in (1, 3)])
    n.stage = "head"
    x = n.global_pool(n.conv(x, n.classes, 1, bn=False))
    return n.node("Flatten", [x], (n.classes,))


# ---- Szegedy et al. 2014, without local response normalisation and the two side classifiers

INCEPTIONS = {  # 1 × 1, before 3 × 3, 3 × 3, before 5 × 5, 5 × 5, behind the pool
    "3a": (64, 96, 128, 16, 32, 32), "3b": (128, 128, 192, 32, 96, 64), "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64), "4c": (128, 128, 256, 24, 64, 64), "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128), "5a": (256, 160, 320, 32, 128, 128), "5b": (384, 192, 384, 48, 128, 128)}


def googlenet(n):
    def conv(x, out, kernel, stride=1):
        return n.conv(x, n.ch(out), kernel, stride, bn=False)

    x = n.maxpool(conv("image", 64, 7, 2), 3, 2, ceil=True)
    x = conv(conv(x, 64, 1), 192, 3)
    for name, (one, three_in, three, five_in, five, pool) in INCEPTIONS.items():
        n.stage = f"inception{name}"
        x = n.maxpool(x, 3, 2, ceil=True) if name in ("3a", "4a", "5a") else x
        x = n.concat([conv(x, one, 1), conv(conv(x, three_in, 1), three, 3), conv(conv(x, five_in, 1), five, 5),
                      conv(n.maxpool(x, 3, 1, 1), pool, 1)])
    return n.classifier(x)


# ---- Szegedy et al. 2015, as torchvision has it, without the side classifier

def inception_v3(n):
    def conv(x, out, kernel, stride=1, pad=None):
        return n.conv(x, n.ch(out), kernel, stride, pad)

    def chain(x, *layers):
        for layer in layers:
            x = conv(x, *layer)
        return x

    def pooled(x, out):
        return conv(n.avgpool(x, 3, 1, 1, count_include_pad=1), out, 1)

    def fork(x):
        return [conv(x, 384, (1, 3)), conv(x, 384, (3, 1))]

    x = n.maxpool(chain("image", (32, 3, 2, 0), (32, 3, 1, 0), (64, 3)), 3, 2)
    x = n.maxpool(chain(x, (80, 1), (192, 3, 1, 0)), 3, 2)
    for i, out in enumerate((32, 64, 64)):
        n.stage = f"mixed5{'bcd'[i]}"
        x = n.concat([conv(x, 64, 1), chain(x, (48, 1), (64, 5)), chain(x, (64, 1), (96, 3), (96, 3)), pooled(x, out)])
    n.stage = "mixed6a"
    x = n.concat([conv(x, 384, 3, 2, 0), chain(x, (64, 1), (96, 3), (96, 3, 2, 0)), n.maxpool(x, 3, 2)])
    for i, c in enumerate((128, 160, 160, 192)):
        n.stage = f"mixed6{'bcde'[i]}"
        x = n.concat([conv(x, 192, 1), chain(x, (c, 1), (c, (1, 7)), (192, (7, 1))),
                      chain(x, (c, 1), (c, (7, 1)), (c, (1, 7)), (c, (7, 1)), (192, (1, 7))), pooled(x, 192)])
    n.stage = "mixed7a"
    x = n.concat([chain(x, (192, 1), (320, 3, 2, 0)), chain(x, (192, 1), (192, (1, 7)), (192, (7, 1)), (192, 3, 2, 0)),
                  n.maxpool(x, 3, 2)])
    for i in range(2):
        n.stage = f"mixed7{'bc'[i]}"
        x = n.concat([conv(x, 320, 1), n.concat(fork(conv(x, 384, 1))), n.concat(fork(chain(x, (448, 1), (384, 3)))),
                      pooled(x, 192)])
    return n.classifier(x)


# ---- Huang et al. 2016

def densenet(n, blocks):
    def layer(x, out, kernel):
        return n.conv(n.relu(n.norm(x)), out, kernel, bn=False, bias=False, act=None)

    growth = n.ch(32)
    x = n.maxpool(n.conv("image", 2 * growth, 7, 2), 3, 2, 1)
    for i, count in enumerate(blocks):
        for k in range(count):
            n.stage = f"block{i + 1}.{k}"
            x = n.concat([x, layer(layer(x, 4 * growth, 1), growth, 3)])
        n.stage = f"transition{i + 1}"
        if i + 1 < len(blocks):
            x = n.avgpool(layer(x, n.shape[x][0] // 2, 1), 2, 2)
    return n.classifier(n.relu(n.norm(x)))


# ---- depthwise-separable ones: Howard et al. 2017, Sandler et al. 2018, Howard et al. 2019, Tan and Le 2019

def mobilenet_v1(n):
    x = n.conv("image", n.ch(32), 3, 2)
    for i, out in enumerate([64, 128, 128, 256, 256] + 6 * [512] + 2 * [1024]):
        n.stage = f"block{i + 1}"
        x = n.conv(n.depthwise(x, 3, 2 if i in (1, 3, 5, 11) else 1), n.ch(out), 1)
    return n.classifier(x)


def squeeze_excite(n, x, narrow, act, gate, reduce=False):
    y = n.conv(n.global_pool(x, reduce), narrow, 1, bn=False, act=act)
    return n.mul(x, n.conv(y, n.shape[x][0], 1, bn=False, act=gate))


def inverted_residual(n, x, wide, out, kernel, stride, act, excite=None, pad=None):
    y = n.conv(x, wide, 1, act=act) if wide != n.shape[x][0] else x
    y = n.depthwise(y, kernel, stride, act, pad)
    if excite:
        y = squeeze_excite(n, y, *excite)
    y = n.conv(y, out, 1, act=None)
    return n.add(x, y) if n.shape[x] == n.shape[y] else y


def expanded(n, rows, kernels, act, excite, pad=None):
    """rows: expansion, channels, blocks, stride of the first."""
    x = n.conv("image", n.ch(32), 3, 2, pad, act=act)
    for i, ((expand, out, count, stride), kernel) in enumerate(zip(rows, kernels)):
        for k in range(count):
            n.stage = f"stage{i + 1}.{k}"
            c = n.shape[x][0]
            x = inverted_residual(n, x, expand * c, n.ch(out), kernel, 1 if k else stride, act,
                                  (max(1, c // 4), "silu", "sigmoid", pad == "same") if excite else None, pad)
    n.stage = "last"
    x = n.conv(x, n.ch(1280), 1, act=act)
    return tensorflow_head(n, x) if pad == "same" else n.classifier(x)


def tensorflow_head(n, x):
    n.stage = "head"
    x = n.global_pool(x, reduce=True)
    x = n.dense(n.axes_op("Squeeze", x, [2, 3], n.shape[x][:1]), n.classes)
    return n.softmax(x, 1)


def mobilenet_v2(n):
    rows = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
    return expanded(n, rows, 7 * [3], "relu6", False)


def efficientnet_b0(n, pad=None):
    rows = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 40, 2, 2), (6, 80, 3, 2), (6, 112, 3, 1), (6, 192, 4, 2), (6, 320, 1, 1)]
    return expanded(n, rows, (3, 3, 5, 3, 5, 5, 3), "silu", True, pad)


SMALL_V3 = [(3, 16, 16, 1, "relu", 2), (3, 72, 24, 0, "relu", 2), (3, 88, 24, 0, "relu", 1)] + [
    (*row[:4], "hardswish", row[4]) for row in (
        (5, 96, 40, 1, 2), (5, 240, 40, 1, 1), (5, 240, 40, 1, 1), (5, 120, 48, 1, 1), (5, 144, 48, 1, 1),
        (5, 288, 96, 1, 2), (5, 576, 96, 1, 1), (5, 576, 96, 1, 1))]
LARGE_V3 = [(*row[:4], "relu", row[4]) for row in (
    (3, 16, 16, 0, 1), (3, 64, 24, 0, 2), (3, 72, 24, 0, 1), (5, 72, 40, 1, 2), (5, 120, 40, 1, 1), (5, 120, 40, 1, 1))] + [
    (*row[:4], "hardswish", row[4]) for row in (
        (3, 240, 80, 0, 2), (3, 200, 80, 0, 1), (3, 184, 80, 0, 1), (3, 184, 80, 0, 1), (3, 480, 112, 1, 1),
        (3, 672, 112, 1, 1), (5, 672, 160, 1, 2), (5, 960, 160, 1, 1), (5, 960, 160, 1, 1))]


def mobilenet_v3(n, rows, hidden):
    """rows: kernel, inner channels, channels, squeeze and excite, activation, stride."""
    x = n.conv("image", n.ch(16), 3, 2, act="hardswish")
    for i, (kernel, wide, out, excite, act, stride) in enumerate(rows):
        n.stage = f"block{i + 1}"
        narrow = (n.ch(wide) // 4 + 4) // 8 * 8  # the nearest multiple of 8, but no less than nine tenths
        narrow = max(8, narrow if narrow >= 0.9 * n.ch(wide) / 4 else narrow + 8)
        x = inverted_residual(n, x, n.ch(wide), n.ch(out), kernel, stride, act,
                              (narrow, "relu", "hardsigmoid") if excite else None)
    x = n.global_pool(n.conv(x, n.ch(6 * rows[-1][2]), 1, act="hardswish"))
    n.stage = "head"
    return n.dense(n.dense(x, n.ch(hidden), "hardswish"), n.classes)


# ---- Ma et al. 2018

def shufflenet_v2(n):
    def branch(x, half, stride):
        return n.conv(n.depthwise(n.conv(x, half, 1), 3, stride, None), half, 1)

    x = n.maxpool(n.conv("image", n.ch(24), 3, 2), 3, 2, 1)
    for i, (out, count) in enumerate([(116, 4), (232, 8), (464, 4)]):
        half = n.ch(out) // 2
        for k in range(count):
            n.stage = f"stage{i + 2}.{k}"
            if k == 0:
                kept, x = n.conv(n.depthwise(x, 3, 2, None), half, 1), branch(x, half, 2)
            else:
                kept, x = n.split(x)
                x = branch(x, half, 1)
            x = n.shuffle(n.concat([kept, x]), 2)
    n.stage = "last"
    return n.classifier(n.conv(x, n.ch(1024), 1))


# ---- Ronneberger et al. 2015, padded, so that the output has the input's size; two classes

def unet(n, nearest=False):
    """nearest: pixels are repeated and convolved in place of the transposed convolutions."""
    x, kept = "image", []
    for i in range(5):
        n.stage = f"down{i}"
        for _ in range(2):
            x = n.conv(x, n.ch(64 << i), 3, bn=False)
        if i < 4:
            kept.append(x)
            x = n.maxpool(x, 2, 2)
    for i in reversed(range(4)):
        n.stage = f"up{i}"
        out = n.ch(64 << i)
        x = n.conv(n.upsample(x), out, 3, bn=False, act=None) if nearest else n.upconv(x, out)
        x = n.concat([kept[i], x])
        for _ in range(2):
            x = n.conv(x, out, 3, bn=False)
    n.stage = "head"
    return n.conv(x, n.classes, 1, bn=False, act=None)


# ---- Shi et al. 2016, three times as many rows and columns: channels become pixels at the end

def espcn(n, factor=3):
    n.stage = "features"
    x = n.conv("image", n.ch(64), 5, bn=False)
    x = n.conv(x, n.ch(32), 3, bn=False)
    n.stage = "shuffle"
    x = n.conv(x, 3 * factor ** 2, 3, bn=False, act=None)
    c, h, w = n.shape[x]
    return n.node("DepthToSpace", [x], (c // factor ** 2, h * factor, w * factor), blocksize=factor)


# ---- Redmon and Farhadi 2018, the tiny network; its two outputs are the maps of the last convolutions

def yolov3_tiny(n):
    def conv(x, out, kernel, **how):
        return n.conv(x, n.ch(out), kernel, act="leaky", **how)

    def detect(x, out):
        return n.conv(conv(x, out, 3), 3 * (5 + n.classes), 1, bn=False, act=None)

    x, middle = "image", None
    for i in range(6):
        n.stage = f"layer{2 * i}"
        x = conv(x, 16 << i, 3)
        middle = x if i == 4 else middle
        x = n.maxpool(x, 2, 2) if i < 5 else n.maxpool(x, 2, 1, "end")
    n.stage = "large"
    x = conv(conv(x, 1024, 3), 256, 1)
    large = detect(x, 512)
    n.stage = "small"
    small = detect(n.concat([n.upsample(conv(x, 128, 1)), middle]), 256)
    return [large, small]


# ---- Jocher et al. 2023, as the authors export it: boxes and classes of all anchors in one tensor

class Yolov8:
    BINS = 16

    def __init__(self, n):
        self.n = n

    def conv(self, x, out, kernel=1, stride=1):
        return self.n.conv(x, out, kernel, stride, act="silu")

    def c2f(self, x, out, count, shortcut):
        half = out // 2
        parts = self.n.split(self.conv(x, out), [half, half])
        for _ in range(count):
            y = self.conv(self.conv(parts[-1], half, 3), half, 3)
            parts.append(self.n.add(parts[-1], y) if shortcut else y)
        return self.conv(self.n.concat(parts), out)

    def sppf(self, x, out):
        parts = [self.conv(x, self.n.shape[x][0] // 2)]
        for _ in range(3):
            parts.append(self.n.maxpool(parts[-1], 5, 1, 2))
        return self.conv(self.n.concat(parts), out)

    def backbone(self):
        n = self.n
        c = [n.ch(out) for out in (16, 32, 64, 128, 256)]
        x, kept = self.conv("image", c[0], 3, 2), []
        for i, count in enumerate((1, 2, 2, 1)):
            n.stage = f"stage{i + 1}"
            x = self.c2f(self.conv(x, c[i + 1], 3, 2), c[i + 1], count, True)
            kept.append(x)
        return kept[1], kept[2], self.sppf(x, c[4])

    def neck(self, p3, p4, p5):
        n = self.n
        c3, c4, c5 = (n.shape[p][0] for p in (p3, p4, p5))
        n.stage = "neck"
        up4 = self.c2f(n.concat([n.upsample(p5), p4]), c4, 1, False)
        out3 = self.c2f(n.concat([n.upsample(up4), p3]), c3, 1, False)
        out4 = self.c2f(n.concat([self.conv(out3, c3, 3, 2), up4]), c4, 1, False)
        return out3, out4, self.c2f(n.concat([self.conv(out4, c4, 3, 2), p5]), c5, 1, False)

    def maps(self, features):
        """Of each scale: four distributions over the bins, and the classes."""
        n = self.n
        first = n.shape[features[0]][0]
        box, score = max(16, first // 4, 4 * self.BINS), max(first, min(n.classes, 100))
        for i, x in enumerate(features):
            n.stage = f"detect{i}"
            ends = [n.conv(self.conv(self.conv(x, wide, 3), wide, 3), out, 1, bn=False, act=None)
                    for wide, out in ((box, 4 * self.BINS), (score, n.classes))]
            yield n.concat(ends)

    def boxes(self, x, sizes):
        """Distances to the four sides, the mean of their distributions; then centre, width and height in pixels."""
        n, count = self.n, sum(h * w for h, w in sizes)
        x = n.softmax(n.transpose(n.reshape(x, 4, self.BINS, count), 0, 2, 1, 3), 1)
        bins = n.constant("detect.bins", np.arange(self.BINS).reshape(1, -1, 1, 1), np.float32)
        n.parameters += self.BINS
        n.macs += 4 * count * self.BINS
        x = n.reshape(n.node("Conv", [x, bins], (1, 4, count), kernel_shape=[1, 1]), 4, count)
        near, far = (n.slice(x, at, at + 2, 1, (2, count)) for at in (0, 2))
        grid = [np.stack(np.meshgrid(np.arange(w) + 0.5, np.arange(h) + 0.5)).reshape(2, -1) for h, w in sizes]
        anchors = n.constant("detect.anchors", np.concatenate(grid, 1)[None], np.float32)
        low, high = n.node("Sub", [anchors, near], (2, count)), n.node("Add", [anchors, far], (2, count))
        centre = n.binary("Div", n.node("Add", [low, high], (2, count)), 2)
        x = n.concat([centre, n.node("Sub", [high, low], (2, count))])
        image = n.shape["image"][1]
        steps = np.concatenate([np.full(h * w, image / h) for h, w in sizes])[None]
        return n.mul(x, n.constant("detect.steps", steps, np.float32))

    def build(self):
        n = self.n
        maps = list(self.maps(self.neck(*self.backbone())))
        n.stage = "detect"
        sizes = [n.shape[m][1:] for m in maps]
        rows = [n.reshape(m, n.shape[m][0], h * w) for m, (h, w) in zip(maps, sizes)]
        distances, scores = n.split(n.concat(rows, 2), [4 * self.BINS, n.classes])
        return n.concat([self.boxes(distances, sizes), n.sigmoid(scores)])


class Network(NamedTuple):
    """How it is built; parameters and billions of multiplications at full size, as published (None: nobody says); its own
    rows and columns and number of classes; rows and columns of a small one."""
    build: Callable
    parameters: Optional[int]
    gmac: Optional[float]
    size: int = 224
    classes: int = 1000
    small: int = 64


# The figures are torchvision's; those of GoogLeNet from the Caffe model that its authors used, of YOLO from their authors'
# tables, which count a multiplication and an addition as two operations. What is taken off a published figure is in it,
# but not in the network that runs: the side classifiers of Inception and FCN, there for training, and batch norm's means and
# variances, which Darknet counts as parameters.
NETWORKS = {
    "resnet18": Network(lambda n: resnet(n, (2, 2, 2, 2), False), 11689512, 1.814),
    "resnet50": Network(lambda n: resnet(n, (3, 4, 6, 3), True), 25557032, 4.089),
    "resnext50_32x4d": Network(resnext50, 25028904, 4.23),
    "vgg19": Network(lambda n: vgg(n, (2, 2, 4, 4, 4)), 143667240, 19.63),
    "alexnet": Network(alexnet, 61100840, 0.714),
    "densenet121": Network(lambda n: densenet(n, (6, 12, 24, 16)), 7978856, 2.834),
    "efficientnet_b0": Network(efficientnet_b0, 5288548, 0.386),
    "efficientnet_b0_same": Network(lambda n: efficientnet_b0(n, "same"), 5288548, 0.386),
    "mobilenet_v1": Network(mobilenet_v1, 4231976, 0.569),
    "mobilenet_v2": Network(mobilenet_v2, 3504872, 0.301),
    "mobilenet_v3_large": Network(lambda n: mobilenet_v3(n, LARGE_V3, 1280), 5483032, 0.217),
    "mobilenet_v3_small": Network(lambda n: mobilenet_v3(n, SMALL_V3, 1024), 2542856, 0.057),
    "shufflenet_v2": Network(shufflenet_v2, 2278604, 0.145),
    "squeezenet1_1": Network(squeezenet, 1235496, 0.349),
    "googlenet": Network(googlenet, 6998552, 1.58),
    "inception_v3": Network(inception_v3, 27161264 - 3326696, 5.713, size=299, small=96),
    "unet": Network(unet, None, None, classes=2),
    "unet_nearest": Network(lambda n: unet(n, nearest=True), None, None, classes=2),
    "espcn": Network(espcn, None, None),
    "fcn_resnet50": Network(fcn_resnet50, 35322218 - 2365205, 152.717 - 9.991, size=520, classes=21),
    "yolov3_tiny": Network(yolov3_tiny, 8858734 - 2 * 3184, 5.571 / 2, size=416, classes=80),
    "yolov8n": Network(lambda n: Yolov8(n).build(), 3157200, 8.7 / 2, size=640, classes=80),
}


def build(name, size=None, classes=None, **how):
    row = NETWORKS[name]
    net = Net(name, size=size or row.size, classes=classes or row.classes, **how)
    outputs = row.build(net)
    return net, outputs if isinstance(outputs, list) else [outputs]


def print_list():
    good = True
    print(f"{'network':20} {'parameters':>12} {'published':>12} {'GMAC':>8} {'published':>9} {'input':>5} {'small':>5}")
    for name, row in NETWORKS.items():
        net, _ = build(name)
        found = net.macs / 1e9
        fits = row.parameters is None or (net.parameters == row.parameters and abs(found - row.gmac) < 0.01 * row.gmac)
        good &= fits
        print(f"{name:20} {net.parameters:12} {row.parameters or '-':>12} {found:8.4g} {row.gmac or '-':>9.4}"
              f" {row.size:5} {row.small:5}{'' if fits else '  differs'}")
    return 0 if good else 1


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", choices=NETWORKS, metavar="NAME")
    parser.add_argument("--list", action="store_true", help="print the networks and end")
    parser.add_argument("--size", type=whole(1), help="rows and columns of the input (the network's own)")
    parser.add_argument("--width", type=factor, default=1.0, help="factor of all channels (1)")
    parser.add_argument("--classes", type=whole(1), help="(the network's own number)")
    parser.add_argument("--batchnorm", choices=("apart", "folded"), default="apart",
                        help="a node of its own, or part of the convolution before it")
    parser.add_argument("--opset", type=int, choices=OPSETS, default=PLAIN_OPSET, metavar="N",
                        help=f"whose forms are written, {OPSETS[0]} to {OPSETS[-1]} ({PLAIN_OPSET})")
    args = parse(parser)
    if args.list:
        return args, None
    if not args.name:
        parser.error("a network's NAME, or --list")
    ask_for_output(parser, args)
    how = {key: getattr(args, key) for key in ("size", "width", "classes", "batchnorm")}
    try:
        return args, [build(args.name, opset=opset, **how) for opset in (args.opset, PLAIN_OPSET)]
    except ValueError as e:
        parser.error(str(e))


def main():
    args, forms = arguments()
    if args.list:
        return print_list()
    model, twin = (net.model(outputs, args.seed) for net, outputs in forms)
    net, _ = forms[0]
    what = f"{args.name}: {len(model.graph.node)} nodes, {net.parameters} parameters, {net.macs / 1e9:.4g} GMAC"
    return finish(model, args, what, None if args.opset == PLAIN_OPSET else twin)


if __name__ == "__main__":
    sys.exit(main())
