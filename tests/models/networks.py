"""Well-known networks as ONNX files, with seeded random weights whose activations neither die nor saturate.

    networks.py NAME -o FILE.onnx [--size=N] [--width=F] [--classes=N] [--batchnorm=apart|folded] [--opset=N] [--seed=N]
    networks.py NAME --check          each layer's deviation, zeros and dead channels; exit code 1 when one is dead
    networks.py --list                names, and parameters and multiplications against the published figures
    networks.py NAME --samples=F.npy  byte images of the kind the weights were made for (--mean=0.5 --std=0.25)

The structures are the published ones, at full size and width to the parameter; --size and --width make small ones for tests.
What makes the weights live is in liveness.py. Needs onnx, onnxruntime and numpy.
"""
import argparse
import sys

from arguments import ask_for_output, factor, parse, whole
from builder import OPSETS, Net
from liveness import finish


# ---- residual networks: He et al. 2015; the bottleneck's stride is in its 3 × 3 convolution, as everybody has it since

def resnet(n, blocks, bottleneck):
    x = n.maxpool(n.conv("image", n.ch(64), 7, 2), 3, 2, 1)
    for i, count in enumerate(blocks):
        for k in range(count):
            n.stage = f"layer{i + 1}.{k}"
            x = residual(n, x, n.ch(64 << i), 2 if i > 0 and k == 0 else 1, bottleneck)
    return n.classifier(x)


def residual(n, x, width, stride, bottleneck):
    out = 4 * width if bottleneck else width
    if bottleneck:
        y = n.conv(n.conv(n.conv(x, width, 1), width, 3, stride), out, 1, act=None)
    else:
        y = n.conv(n.conv(x, width, 3, stride), out, 3, act=None)
    if n.shape[x] != n.shape[y]:
        x = n.conv(x, out, 1, stride, act=None)
    return n.relu(n.add(y, x))


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


def squeeze_excite(n, x, narrow, act, gate):
    y = n.conv(n.global_pool(x), narrow, 1, bn=False, act=act)
    return n.mul(x, n.conv(y, n.shape[x][0], 1, bn=False, act=gate))


def inverted_residual(n, x, wide, out, kernel, stride, act, excite=None):
    y = n.conv(x, wide, 1, act=act) if wide != n.shape[x][0] else x
    y = n.depthwise(y, kernel, stride, act)
    if excite:
        y = squeeze_excite(n, y, *excite)
    y = n.conv(y, out, 1, act=None)
    return n.add(x, y) if n.shape[x] == n.shape[y] else y


def expanded(n, x, rows, kernels, act, excite):
    """rows: expansion, channels, blocks, stride of the first."""
    for i, ((expand, out, count, stride), kernel) in enumerate(zip(rows, kernels)):
        for k in range(count):
            n.stage = f"stage{i + 1}.{k}"
            c = n.shape[x][0]
            x = inverted_residual(n, x, expand * c, n.ch(out), kernel, 1 if k else stride, act,
                                  (max(1, c // 4), "silu", "sigmoid") if excite else None)
    n.stage = "last"
    return n.classifier(n.conv(x, n.ch(1280), 1, act=act))


def mobilenet_v2(n):
    rows = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
    return expanded(n, n.conv("image", n.ch(32), 3, 2, act="relu6"), rows, 7 * [3], "relu6", False)


def efficientnet_b0(n):
    rows = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 40, 2, 2), (6, 80, 3, 2), (6, 112, 3, 1), (6, 192, 4, 2), (6, 320, 1, 1)]
    return expanded(n, n.conv("image", n.ch(32), 3, 2, act="silu"), rows, (3, 3, 5, 3, 5, 5, 3), "silu", True)


def mobilenet_v3_small(n):
    x = n.conv("image", n.ch(16), 3, 2, act="hardswish")
    relu, swish = "relu", "hardswish"
    for i, (kernel, wide, out, excite, act, stride) in enumerate([
            (3, 16, 16, 1, relu, 2), (3, 72, 24, 0, relu, 2), (3, 88, 24, 0, relu, 1), (5, 96, 40, 1, swish, 2),
            (5, 240, 40, 1, swish, 1), (5, 240, 40, 1, swish, 1), (5, 120, 48, 1, swish, 1),
            (5, 144, 48, 1, swish, 1), (5, 288, 96, 1, swish, 2), (5, 576, 96, 1, swish, 1),
            (5, 576, 96, 1, swish, 1)]):
        n.stage = f"block{i + 1}"
        narrow = (n.ch(wide) // 4 + 4) // 8 * 8  # the nearest multiple of 8, but no less than nine tenths
        narrow = max(8, narrow if narrow >= 0.9 * n.ch(wide) / 4 else narrow + 8)
        x = inverted_residual(n, x, n.ch(wide), n.ch(out), kernel, stride, act,
                              (narrow, "relu", "hardsigmoid") if excite else None)
    x = n.global_pool(n.conv(x, n.ch(576), 1, act=swish))
    n.stage = "head"
    return n.dense(n.dense(x, n.ch(1024), swish), n.classes)


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

def unet(n):
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
        x = n.concat([kept[i], n.upconv(x, n.ch(64 << i))])
        for _ in range(2):
            x = n.conv(x, n.ch(64 << i), 3, bn=False)
    n.stage = "head"
    return n.conv(x, 2, 1, bn=False, act=None)


# Name: how it is built; parameters, and billions of multiplications at 224 × 224, as published (torchvision's tables; those
# of GoogLeNet from the Caffe model that its authors used; None: nobody says).
NETWORKS = {
    "resnet18": (lambda n: resnet(n, (2, 2, 2, 2), False), 11689512, 1.814),
    "resnet50": (lambda n: resnet(n, (3, 4, 6, 3), True), 25557032, 4.089),
    "vgg19": (lambda n: vgg(n, (2, 2, 4, 4, 4)), 143667240, 19.63),
    "alexnet": (alexnet, 61100840, 0.714),
    "densenet121": (lambda n: densenet(n, (6, 12, 24, 16)), 7978856, 2.834),
    "efficientnet_b0": (efficientnet_b0, 5288548, 0.386),
    "mobilenet_v1": (mobilenet_v1, 4231976, 0.569),
    "mobilenet_v2": (mobilenet_v2, 3504872, 0.301),
    "mobilenet_v3_small": (mobilenet_v3_small, 2542856, 0.057),
    "shufflenet_v2": (shufflenet_v2, 2278604, 0.145),
    "squeezenet1_1": (squeezenet, 1235496, 0.349),
    "googlenet": (googlenet, 6998552, 1.58),
    "unet": (unet, None, None),
}


def build(name, **how):
    net = Net(name, **how)
    return net, NETWORKS[name][0](net)


def print_list():
    good = True
    print(f"{'network':20} {'parameters':>12} {'published':>12} {'GMAC':>8} {'published':>9}")
    for name, (_, parameters, gmac) in NETWORKS.items():
        net, _ = build(name)
        found = net.macs / 1e9
        fits = parameters is None or (net.parameters == parameters and abs(found - gmac) < 0.01 * gmac)
        good &= fits
        print(f"{name:20} {net.parameters:12} {parameters or '-':>12} {found:8.4g} {gmac or '-':>9}"
              f"{'' if fits else '  differs'}")
    return 0 if good else 1


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", choices=NETWORKS, metavar="NAME")
    parser.add_argument("--list", action="store_true", help="print the networks and end")
    parser.add_argument("--size", type=whole(1), default=224, help="rows and columns of the input (224)")
    parser.add_argument("--width", type=factor, default=1.0, help="factor of all channels (1)")
    parser.add_argument("--classes", type=whole(1), default=1000)
    parser.add_argument("--batchnorm", choices=("apart", "folded"), default="apart",
                        help="a node of its own, or part of the convolution before it")
    parser.add_argument("--opset", type=int, choices=OPSETS, default=13, metavar="N")
    args = parse(parser)
    if args.list:
        return args, None
    if not args.name:
        parser.error("a network's NAME, or --list")
    ask_for_output(parser, args)
    how = {key: getattr(args, key) for key in ("size", "width", "classes", "batchnorm", "opset")}
    try:
        return args, build(args.name, **how)
    except ValueError as e:
        parser.error(str(e))


def main():
    args, built = arguments()
    if args.list:
        return print_list()
    net, output = built
    model = net.model(output, args.seed)
    return finish(model, args, f"{args.name}: {len(model.graph.node)} nodes, {net.parameters} parameters, {net.macs / 1e9:.4g} GMAC")


if __name__ == "__main__":
    sys.exit(main())
