"""Six networks' layers, and what they cost on the array: the model behind mapping.py.

The rules are isa/svpe.def's and docs/isa.md's, written here a second time on purpose; isa/uop.c is
the first. Layers are typed from the published architectures: ResNet-18 and -50 (He 2015; stride on
the 3x3 as in most exports), MobileNetV2 (Sandler 2018), EfficientNet-B0 (Tan 2019), AlexNet
(Krizhevsky 2012, two groups), and ResNet-20 for CIFAR-10 (He 2015, shortcuts as 1x1 convolutions).
"""

from collections import namedtuple
from functools import lru_cache

KINDS = ('dense', '1×1', 'depthwise', 'stem', 'fc')

# kind; cin, cout: of one group; size, out: square pixels; k, s: kernel, stride; groups: equal
# convolutions side by side; residual: a second tensor is added; vector: the vector unit's work in
# rows of (what, pixels, channels, taps).
Layer = namedtuple('Layer', 'kind name cin cout size out k s groups residual vector')
Shape = namedtuple('Shape', 'V E P')
Machine = namedtuple(
    'Machine', 'shape banks gather vector_lanes table_lanes act wgt acc dram latency'
)

CHOSEN = Shape(16, 16, 16)
SHAPES = (CHOSEN, Shape(16, 32, 8), Shape(32, 16, 8), Shape(32, 32, 4), Shape(8, 32, 16))
PAPER, VTA = Shape(8, 32, 9), Shape(16, 16, 1)
CODE_BITS, ACC_BYTES = 4, 4


def up(a, b):
    return -(-a // b)


def macs(l):
    if l.kind == 'pool':
        return 0
    per = l.k * l.k if l.kind == 'depthwise' else l.k * l.k * l.cin * l.cout
    return l.groups * per * l.out * l.out * (l.cout if l.kind == 'depthwise' else 1)


# ---- Networks ----


def conv(name, cin, cout, size, k, s=1, pad=None, groups=1, residual=False, vector=()):
    pad = k // 2 if pad is None else pad
    out = (size + 2 * pad - k) // s + 1
    kind = 'stem' if cin <= 4 else '1×1' if k == 1 else 'dense'
    return Layer(
        kind,
        name,
        cin,
        cout,
        size,
        out,
        k,
        s,
        groups,
        residual,
        (('req', out * out, cout * groups, 1),) + tuple(v(out, cout * groups) for v in vector),
    )


def depthwise(name, c, size, k, s, vector=()):
    out = (size - 1) // s + 1
    return Layer(
        'depthwise',
        name,
        c,
        c,
        size,
        out,
        k,
        s,
        1,
        False,
        (('req', out * out, c, 1),) + tuple(v(out, c) for v in vector),
    )


def fc(name, cin, cout, vector=()):
    return Layer(
        'fc',
        name,
        cin,
        cout,
        1,
        1,
        1,
        1,
        1,
        False,
        (('req', 1, cout, 1),) + tuple(v(1, cout) for v in vector),
    )


def pool(name, c, size, k, s):
    out = (size - k) // s + 1
    return Layer('pool', name, c, c, size, out, k, s, 1, False, (('win', out * out, c, k * k),))


def lut(out, c):
    return ('lut', out * out, c, 1)


def resnet(blocks, bottleneck):
    net = [conv('conv1', 3, 64, 224, 7, 2), pool('maxpool', 64, 114, 3, 2)]
    c, size = 64, 56
    for stage, n in enumerate(blocks):
        width = 64 << stage
        cout = width * 4 if bottleneck else width
        for b in range(n):
            s = 2 if stage and not b else 1
            tag = f'{stage + 2}.{b}'
            if bottleneck:
                net += [
                    conv(tag + 'a', c, width, size, 1),
                    conv(tag + 'b', width, width, size, 3, s),
                    conv(tag + 'c', width, cout, size // s, 1, residual=True),
                ]
            else:
                net += [
                    conv(tag + 'a', c, cout, size, 3, s),
                    conv(tag + 'b', cout, cout, size // s, 3, residual=True),
                ]
            if c != cout:
                net.append(conv(tag + ' shortcut', c, cout, size, 1, s))
            c, size = cout, size // s
    return net + [pool('mean', c, 7, 7, 1), fc('fc', c, 1000)]


def resnet20():
    net, c, size = [conv('conv1', 3, 16, 32, 3)], 16, 32
    for stage in range(3):
        cout = 16 << stage
        for b in range(3):
            s = 2 if stage and not b else 1
            net += [
                conv('a', c, cout, size, 3, s),
                conv('b', cout, cout, size // s, 3, residual=True),
            ]
            if s == 2:
                net.append(conv('shortcut', c, cout, size, 1, s))
            c, size = cout, size // s
    return net + [pool('mean', 64, 8, 8, 1), fc('fc', 64, 10)]


def mobilenet_v2():
    net, c, size = [conv('conv1', 3, 32, 224, 3, 2)], 32, 112
    table = (
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    )
    for t, cout, n, s in table:
        for b in range(n):
            wide, stride = c * t, 1 if b else s
            if t > 1:
                net.append(conv('expand', c, wide, size, 1))
            net.append(depthwise('depthwise', wide, size, 3, stride))
            size //= stride
            net.append(conv('project', wide, cout, size, 1, residual=b > 0))
            c = cout
    return net + [conv('head', c, 1280, 7, 1), pool('mean', 1280, 7, 7, 1), fc('fc', 1280, 1000)]


def efficientnet_b0():
    net, c, size = [conv('conv1', 3, 32, 224, 3, 2, vector=(lut,))], 32, 112
    table = (
        (1, 3, 16, 1, 1),
        (6, 3, 24, 2, 2),
        (6, 5, 40, 2, 2),
        (6, 3, 80, 3, 2),
        (6, 5, 112, 3, 1),
        (6, 5, 192, 4, 2),
        (6, 3, 320, 1, 1),
    )
    for t, k, cout, n, s in table:
        for b in range(n):
            wide, stride, squeezed = c * t, 1 if b else s, c // 4
            if t > 1:
                net.append(conv('expand', c, wide, size, 1, vector=(lut,)))
            net.append(depthwise('depthwise', wide, size, k, stride, vector=(lut,)))
            size //= stride
            net += [
                pool('squeeze', wide, size, size, 1),
                fc('squeeze fc', wide, squeezed, (lut,)),
                fc('excite fc', squeezed, wide, (lut,)),
                Layer(
                    'pool',
                    'excite',
                    wide,
                    wide,
                    size,
                    size,
                    1,
                    1,
                    1,
                    False,
                    (('pair', size * size, wide, 1),),
                ),
                conv('project', wide, cout, size, 1, residual=b > 0),
            ]
            c = cout
    return net + [
        conv('head', c, 1280, 7, 1, vector=(lut,)),
        pool('mean', 1280, 7, 7, 1),
        fc('fc', 1280, 1000),
    ]


def alexnet():
    return [
        conv('conv1', 3, 96, 227, 11, 4, 0),
        pool('pool1', 96, 55, 3, 2),
        conv('conv2', 48, 128, 27, 5, groups=2),
        pool('pool2', 256, 27, 3, 2),
        conv('conv3', 256, 384, 13, 3),
        conv('conv4', 192, 192, 13, 3, groups=2),
        conv('conv5', 192, 128, 13, 3, groups=2),
        pool('pool5', 256, 13, 3, 2),
        fc('fc6', 9216, 4096),
        fc('fc7', 4096, 4096),
        fc('fc8', 4096, 1000),
    ]


NETS = {
    'ResNet-18': resnet((2, 2, 2, 2), False),
    'ResNet-50': resnet((3, 4, 6, 3), True),
    'MobileNetV2': mobilenet_v2(),
    'EfficientNet-B0': efficientnet_b0(),
    'AlexNet': alexnet(),
    'ResNet-20': resnet20(),
}
PUBLISHED_MMAC = {
    'ResNet-18': 1814,
    'ResNet-50': 4089,
    'MobileNetV2': 301,
    'EfficientNet-B0': 386,
    'AlexNet': 724,
    'ResNet-20': 41,
}


# ---- Array: micro-instructions of one output block over one tile ----


def peak(vectors, banks):
    count = {}
    for v in set(vectors):
        count[v % banks] = count.get(v % banks, 0) + 1
    return max(count.values())


@lru_cache(maxsize=None)
def group_cycles(form, shape, banks, x0, pixels, cols, s, pitch, step, first_tap, taps):
    """One MAC of a group that starts in column x0; step: block stride (depthwise with E > V)."""
    vectors = []
    for n in range(x0, x0 + pixels):
        row, x = n // cols * s * pitch, n % cols * s
        if form == 'stem':  # pitch in vectors, 4 elements per pixel
            first = (x + first_tap) * 4
            vectors += range(row + first // shape.V, row + (first + taps * 4 - 1) // shape.V + 1)
        elif form == 'depthwise':
            vectors += [
                row + x + first_tap + t + b * step
                for t in range(taps)
                for b in range(max(1, shape.E // shape.V))
            ]
        else:
            vectors.append(row + x)
    return peak(vectors, banks)


def taps_per_block(form, shape, gather):
    return {'depthwise': gather, 'stem': shape.V // 4}.get(form, 1)


@lru_cache(maxsize=None)
def tile_cycles(form, shape, banks, gather, rows, cols, k, s, pitch):
    """MAC cycles of one output and one input block over rows x cols pixels; number of groups."""
    taps, total, groups = taps_per_block(form, shape, gather), 0, up(rows * cols, shape.P)
    step = ((rows - 1) * s + k) * pitch
    kinds = [(0, 1)] * k if taps == 1 else [(t, min(taps, k - t)) for t in range(0, k, taps)]
    kinds = sorted((kinds.count(kind), kind) for kind in set(kinds))
    for g in range(groups):
        pixels = min(shape.P, rows * cols - g * shape.P)
        for n, (first, used) in kinds:
            total += n * group_cycles(
                form, shape, banks, g * shape.P % cols, pixels, cols, s, pitch, step, first, used
            )
    return k * total, groups


def natural_pitch(form, shape, cols, k, s):
    width = (cols - 1) * s + k
    return up(width * 4, shape.V) if form == 'stem' else width


@lru_cache(maxsize=None)
def best_pitch(form, shape, banks, gather, rows, cols, k, s):
    """A few vectors of padding per row can take two rows of a group apart."""
    first = natural_pitch(form, shape, cols, k, s)
    return min(
        range(first, first + 16),
        key=lambda p: (tile_cycles(form, shape, banks, gather, rows, cols, k, s, p)[0], p),
    )


def form_of(l):
    return l.kind if l.kind in ('depthwise', 'stem') else 'dense'


def blocks_of(l, shape):
    """Input blocks per output block, output blocks: of one group."""
    ib = 1 if l.kind in ('depthwise', 'stem') else up(l.cin, shape.V)
    return ib, up(l.cout, shape.E)


def array_cycles(l, m, rows, tuned=True):
    """One group of the layer in tiles of `rows` full rows: (MAC cycles, OUT cycles)."""
    ib, ob = blocks_of(l, m.shape)
    mac = out = 0
    for r, n in ((rows, l.out // rows), (l.out % rows, 1)):
        if not r:
            continue
        args = (form_of(l), m.shape, m.banks, m.gather, r, l.out, l.k, l.s)
        pitch = best_pitch(*args) if tuned else natural_pitch(args[0], m.shape, l.out, l.k, l.s)
        cycles, groups = tile_cycles(*args, pitch)
        mac, out = mac + n * cycles * ib * ob, out + n * groups * ob
    return mac * l.groups, out * l.groups


# ---- Vector unit, weights, DRAM, tiles ----


def vector_cycles(l, m):
    V, total = m.shape.V, 0
    for what, pixels, channels, taps in l.vector:
        per_beat = m.vector_lanes // V
        whole, rest = divmod(pixels, per_beat)
        for n, px in ((whole, per_beat), (1 if rest else 0, rest)):
            cycles = up(px * V, m.table_lanes) if what == 'lut' else 1
            if what == 'req':
                cycles = max(cycles, up(px * max(1, V // m.shape.E), m.shape.P))
            total += n * cycles * taps * up(channels, V)
    return total


def weight_bytes(l, m):
    """As packed in DRAM: whole blocks of E x V codes."""
    if l.kind == 'pool':
        return 0
    ib, ob = blocks_of(l, m.shape)
    taps = taps_per_block(form_of(l), m.shape, m.gather)
    return l.groups * ob * ib * l.k * up(l.k, taps) * m.shape.V * m.shape.E * CODE_BITS // 8


def act_bytes(l, m):
    """Input, output: blocked, one byte per element; the stem's input has 4 elements per pixel."""
    source = (
        l.size * l.size * (4 if l.kind == 'stem' else up(l.cin * l.groups, m.shape.V) * m.shape.V)
    )
    return source, l.out * l.out * up(l.cout * l.groups, m.shape.V) * m.shape.V


Tiling = namedtuple('Tiling', 'rows oc_chunks dram act wgt acc')


def tilings(l, m):
    """Full-width row tiles times chunks of output blocks that fit twice (double buffering)."""
    source, result = act_bytes(l, m)
    weights = weight_bytes(l, m)
    _, ob = blocks_of(l, m.shape)
    for tiles in sorted({up(l.out, r) for r in range(1, l.out + 1)}):
        rows = up(l.out, tiles)
        in_rows = min(l.size, (rows - 1) * l.s + l.k)
        halo = (
            source * tiles * min(in_rows, rows * l.k) // l.size
            if tiles > 1 or l.s > l.k
            else source
        )
        for chunk in sorted({up(ob, n) for n in range(1, ob + 1)}):
            chunks = up(ob, chunk)
            part = (
                chunk if l.kind == 'depthwise' else ob
            )  # a depthwise chunk needs only its own channels
            act = 2 * (
                source * in_rows * part // (l.size * ob * l.groups)
                + up(result, l.groups) * rows * chunk // (l.out * ob) * (2 if l.residual else 1)
            )
            wgt = min(weights, 2 * up(weights, l.groups * chunks))
            acc = 2 * rows * l.out * chunk * m.shape.E * ACC_BYTES
            if act > m.act or wgt > m.wgt or acc > m.acc:
                continue
            again = chunks > 1 and tiles > 1 and l.kind != 'depthwise'
            stay = weights + halo * chunks if again else weights + halo
            stream = halo + weights * (tiles if chunks > 1 else 1)
            dram = min(stay, stream) + result * (2 if l.residual else 1)
            yield Tiling(rows, chunks, dram, act, wgt, acc)


@lru_cache(maxsize=None)
def layer_result(l, m):
    """(macs, array cycles, of these OUT, vector cycles, DRAM cycles, DRAM bytes, tiling)."""
    vector = vector_cycles(l, m)
    if l.kind == 'pool':
        source, result = act_bytes(l, m)
        return 0, 0, 0, vector, up(source + result, m.dram), source + result, None
    ib, ob = blocks_of(l, m.shape)
    per_pixel = l.k * up(l.k, taps_per_block(form_of(l), m.shape, m.gather)) * ib + 1

    def cost(t):  # without bank conflicts
        tiles = up(l.out, t.rows)
        cycles = tiles * up(t.rows * l.out, m.shape.P) * per_pixel * ob * l.groups
        return max(cycles, t.dram / m.dram), t.dram, tiles * t.oc_chunks, t.rows

    t = min(tilings(l, m), key=cost)
    mac, out = array_cycles(l, m, t.rows)
    return macs(l), mac + out, out, vector, up(t.dram, m.dram), t.dram, t


def zcu102(shape, banks=2, gather=4, vector_lanes=64, table_lanes=64):
    return Machine(
        shape,
        banks * shape.P,
        gather,
        vector_lanes,
        table_lanes,
        1536 << 10,
        1 << 20,
        448 << 10,
        96,
        40,
    )


def network(name, m):
    """Sums over layers; bound: array, vector unit, DRAM overlap within a layer, never across."""
    total = dict(
        macs=0,
        array=0,
        out=0,
        vector=0,
        dram=0,
        bytes=0,
        bound=0,
        by={'array': 0, 'vector': 0, 'dram': 0},
    )
    for l in NETS[name]:
        n, array, out, vector, dram, size, _ = layer_result(l, m)
        worst = max(array, vector, dram)
        for key, value in (
            ('macs', n),
            ('array', array),
            ('out', out),
            ('vector', vector),
            ('dram', dram),
            ('bytes', size),
            ('bound', worst),
        ):
            total[key] += value
        total['by']['array' if worst == array else 'vector' if worst == vector else 'dram'] += worst
    return total


def kind_use(nets, kind, m):
    """Utilisation of the array by one kind of layer, None if there is none."""
    use = [layer_result(l, m)[:2] for n in nets for l in NETS[n] if l.kind == kind]
    cycles = sum(c for _, c in use)
    return sum(n for n, _ in use) / (cycles * m.shape.V * m.shape.E * m.shape.P) if use else None
