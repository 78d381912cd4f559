#!/usr/bin/env python3
"""The mapping study: how six networks' layers lie on the array, and what follows for the instruction set.

Prints docs/mapping.md. Plain Python, no packages, no randomness: the same text every time. The rules are isa/svpe.def's
and docs/isa.md's, written here a second time on purpose; isa/uop.c is the first.

Layers are typed from the published architectures: ResNet-18 and -50 (He 2015; stride on the 3x3 as in most exports),
MobileNetV2 (Sandler 2018), EfficientNet-B0 (Tan 2019), AlexNet (Krizhevsky 2012, two groups), and ResNet-20 for CIFAR-10
(He 2015, shortcuts as 1x1 convolutions).
"""
from collections import namedtuple
from functools import lru_cache

KINDS = ('dense', '1×1', 'depthwise', 'stem', 'fc')

# kind; cin, cout: of one group; size, out: square pixels; k, s: kernel, stride; groups: equal convolutions side by side;
# lut: a table pass follows; residual: a second tensor is added; vector: cycles of the vector unit are counted by
# (what, pixels, channels, taps) rows.
Layer = namedtuple('Layer', 'kind name cin cout size out k s groups residual vector')
Shape = namedtuple('Shape', 'V E P')
Machine = namedtuple('Machine', 'shape banks gather vector_lanes table_lanes act wgt acc dram latency')

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


# ---- Networks -------------------------------------------------------------------------------------------------------

def conv(name, cin, cout, size, k, s=1, pad=None, groups=1, residual=False, vector=()):
    pad = k // 2 if pad is None else pad
    out = (size + 2 * pad - k) // s + 1
    kind = 'stem' if cin <= 4 else '1×1' if k == 1 else 'dense'
    return Layer(kind, name, cin, cout, size, out, k, s, groups, residual,
                 (('req', out * out, cout * groups, 1),) + tuple(v(out, cout * groups) for v in vector))


def depthwise(name, c, size, k, s, vector=()):
    out = (size - 1) // s + 1
    return Layer('depthwise', name, c, c, size, out, k, s, 1, False,
                 (('req', out * out, c, 1),) + tuple(v(out, c) for v in vector))


def fc(name, cin, cout, vector=()):
    return Layer('fc', name, cin, cout, 1, 1, 1, 1, 1, False,
                 (('req', 1, cout, 1),) + tuple(v(1, cout) for v in vector))


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
                net += [conv(tag + 'a', c, width, size, 1), conv(tag + 'b', width, width, size, 3, s),
                        conv(tag + 'c', width, cout, size // s, 1, residual=True)]
            else:
                net += [conv(tag + 'a', c, cout, size, 3, s), conv(tag + 'b', cout, cout, size // s, 3, residual=True)]
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
            net += [conv('a', c, cout, size, 3, s), conv('b', cout, cout, size // s, 3, residual=True)]
            if s == 2:
                net.append(conv('shortcut', c, cout, size, 1, s))
            c, size = cout, size // s
    return net + [pool('mean', 64, 8, 8, 1), fc('fc', 64, 10)]


def mobilenet_v2():
    net, c, size = [conv('conv1', 3, 32, 224, 3, 2)], 32, 112
    table = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
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
    table = ((1, 3, 16, 1, 1), (6, 3, 24, 2, 2), (6, 5, 40, 2, 2), (6, 3, 80, 3, 2), (6, 5, 112, 3, 1),
             (6, 5, 192, 4, 2), (6, 3, 320, 1, 1))
    for t, k, cout, n, s in table:
        for b in range(n):
            wide, stride, squeezed = c * t, 1 if b else s, c // 4
            if t > 1:
                net.append(conv('expand', c, wide, size, 1, vector=(lut,)))
            net.append(depthwise('depthwise', wide, size, k, stride, vector=(lut,)))
            size //= stride
            net += [pool('squeeze', wide, size, size, 1), fc('squeeze fc', wide, squeezed, (lut,)),
                    fc('excite fc', squeezed, wide, (lut,)),
                    Layer('pool', 'excite', wide, wide, size, size, 1, 1, 1, False, (('pair', size * size, wide, 1),)),
                    conv('project', wide, cout, size, 1, residual=b > 0)]
            c = cout
    return net + [conv('head', c, 1280, 7, 1, vector=(lut,)), pool('mean', 1280, 7, 7, 1), fc('fc', 1280, 1000)]


def alexnet():
    return [conv('conv1', 3, 96, 227, 11, 4, 0), pool('pool1', 96, 55, 3, 2),
            conv('conv2', 48, 128, 27, 5, groups=2), pool('pool2', 256, 27, 3, 2),
            conv('conv3', 256, 384, 13, 3), conv('conv4', 192, 192, 13, 3, groups=2),
            conv('conv5', 192, 128, 13, 3, groups=2), pool('pool5', 256, 13, 3, 2),
            fc('fc6', 9216, 4096), fc('fc7', 4096, 4096), fc('fc8', 4096, 1000)]


NETS = {'ResNet-18': resnet((2, 2, 2, 2), False), 'ResNet-50': resnet((3, 4, 6, 3), True),
        'MobileNetV2': mobilenet_v2(), 'EfficientNet-B0': efficientnet_b0(), 'AlexNet': alexnet(), 'ResNet-20': resnet20()}
PUBLISHED_MMAC = {'ResNet-18': 1814, 'ResNet-50': 4089, 'MobileNetV2': 301, 'EfficientNet-B0': 386, 'AlexNet': 724,
                  'ResNet-20': 41}


# ---- Array: micro-instructions of one output block over one tile ----------------------------------------------------

def peak(vectors, banks):
    count = {}
    for v in set(vectors):
        count[v % banks] = count.get(v % banks, 0) + 1
    return max(count.values())


@lru_cache(maxsize=None)
def group_cycles(form, shape, banks, x0, pixels, cols, s, pitch, step, first_tap, taps):
    """One MAC of a group that starts in column x0: `step` is the block stride (depthwise with E > V)."""
    vectors = []
    for n in range(x0, x0 + pixels):
        row, x = n // cols * s * pitch, n % cols * s
        if form == 'stem':  # pitch in vectors, 4 elements per pixel
            first = (x + first_tap) * 4
            vectors += range(row + first // shape.V, row + (first + taps * 4 - 1) // shape.V + 1)
        elif form == 'depthwise':
            vectors += [row + x + first_tap + t + b * step for t in range(taps) for b in range(max(1, shape.E // shape.V))]
        else:
            vectors.append(row + x)
    return peak(vectors, banks)


def taps_per_block(form, shape, gather):
    return {'depthwise': gather, 'stem': shape.V // 4}.get(form, 1)


@lru_cache(maxsize=None)
def tile_cycles(form, shape, banks, gather, rows, cols, k, s, pitch):
    """MAC cycles of one output block and one input block over rows x cols pixels; and the number of groups."""
    taps, total, groups = taps_per_block(form, shape, gather), 0, up(rows * cols, shape.P)
    step = ((rows - 1) * s + k) * pitch
    kinds = [(0, 1)] * k if taps == 1 else [(t, min(taps, k - t)) for t in range(0, k, taps)]
    kinds = sorted((kinds.count(kind), kind) for kind in set(kinds))
    for g in range(groups):
        pixels = min(shape.P, rows * cols - g * shape.P)
        for n, (first, used) in kinds:
            total += n * group_cycles(form, shape, banks, g * shape.P % cols, pixels, cols, s, pitch, step, first, used)
    return k * total, groups


def natural_pitch(form, shape, cols, k, s):
    width = (cols - 1) * s + k
    return up(width * 4, shape.V) if form == 'stem' else width


@lru_cache(maxsize=None)
def best_pitch(form, shape, banks, gather, rows, cols, k, s):
    """A few vectors of padding per row can take two rows of a group apart."""
    first = natural_pitch(form, shape, cols, k, s)
    return min(range(first, first + 16), key=lambda p: (tile_cycles(form, shape, banks, gather, rows, cols, k, s, p)[0], p))


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


# ---- Vector unit, weights, DRAM, tiles ------------------------------------------------------------------------------

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
    """Input, output; blocked layout, one byte per element; the stem's input has 4 elements per pixel."""
    source = l.size * l.size * (4 if l.kind == 'stem' else up(l.cin * l.groups, m.shape.V) * m.shape.V)
    return source, l.out * l.out * up(l.cout * l.groups, m.shape.V) * m.shape.V


Tiling = namedtuple('Tiling', 'rows oc_chunks dram act wgt acc')


def tilings(l, m):
    """Full-width row tiles times chunks of output blocks that fit twice (loads overlap execution)."""
    source, result = act_bytes(l, m)
    weights = weight_bytes(l, m)
    _, ob = blocks_of(l, m.shape)
    for tiles in sorted({up(l.out, r) for r in range(1, l.out + 1)}):
        rows = up(l.out, tiles)
        in_rows = min(l.size, (rows - 1) * l.s + l.k)
        halo = source * tiles * min(in_rows, rows * l.k) // l.size if tiles > 1 or l.s > l.k else source
        for chunk in sorted({up(ob, n) for n in range(1, ob + 1)}):
            chunks = up(ob, chunk)
            part = chunk if l.kind == 'depthwise' else ob  # a depthwise chunk needs only its own channels
            act = 2 * (source * in_rows * part // (l.size * ob * l.groups) +
                       up(result, l.groups) * rows * chunk // (l.out * ob) * (2 if l.residual else 1))
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


def zcu102(shape, banks=2, gather=4, vector_lanes=64, table_lanes=16):
    return Machine(shape, banks * shape.P, gather, vector_lanes, table_lanes, 1536 << 10, 1 << 20, 448 << 10, 96, 40)


def network(name, m):
    """Sums over layers; `bound` assumes that array, vector unit and DRAM overlap within a layer, never across layers."""
    total = dict(macs=0, array=0, out=0, vector=0, dram=0, bytes=0, bound=0, by={'array': 0, 'vector': 0, 'dram': 0})
    for l in NETS[name]:
        n, array, out, vector, dram, size, _ = layer_result(l, m)
        worst = max(array, vector, dram)
        for key, value in (('macs', n), ('array', array), ('out', out), ('vector', vector), ('dram', dram),
                           ('bytes', size), ('bound', worst)):
            total[key] += value
        total['by']['array' if worst == array else 'vector' if worst == vector else 'dram'] += worst
    return total


def kind_use(nets, kind, m):
    """Utilisation of the array by one kind of layer, None if there is none."""
    use = [layer_result(l, m)[:2] for n in nets for l in NETS[n] if l.kind == kind]
    cycles = sum(c for _, c in use)
    return sum(n for n, _ in use) / (cycles * m.shape.V * m.shape.E * m.shape.P) if use else None


# ---- Page -----------------------------------------------------------------------------------------------------------

def pct(x):
    return '–' if x is None else f'{100 * x:.1f}'


def kilo(x):
    return f'{x / 1e3:,.0f}'


def table(head, rows):
    print('| ' + ' | '.join(head) + ' |')
    print('|' + '---|' * len(head))
    for r in rows:
        print('| ' + ' | '.join(str(c) for c in r) + ' |')
    print()


def text(s):
    print(s.strip() + '\n')


def use(name, m, what='array'):
    t = network(name, m)
    return t['macs'] / (t[what] * m.shape.V * m.shape.E * m.shape.P)


def shape_name(s):
    return f'{s.V}×{s.E}×{s.P}'


def mean(values):
    """Geometric."""
    product = 1.0
    for v in values:
        product *= v
    return product ** (1 / len(values))


def page_networks():
    text("""
## The networks

Layers as published, 224×224 (AlexNet 227×227, ResNet-20 32×32), one image. Shares are of the multiplications.
Weights are packed 4-bit codes for the chosen array, padding and depthwise blocks included; the largest layer is its input
and output together, one byte per element.
""")
    rows = []
    for n, net in NETS.items():
        m, total = zcu102(CHOSEN), sum(map(macs, net))
        assert round(total / 1e6) == PUBLISHED_MMAC[n], n
        share = [sum(macs(l) for l in net if l.kind == k) / total for k in KINDS]
        rows.append([n, sum(l.kind != 'pool' for l in net), f'{total / 1e6:,.1f}'] + [pct(x) for x in share] +
                    [kilo(sum(weight_bytes(l, m) for l in net)), kilo(max(sum(act_bytes(l, m)) for l in net))])
    table(['network', 'layers', 'MMAC'] + [k + ' %' for k in KINDS] + ['weights kB', 'largest layer kB'], rows)


def port_bits(m):
    s = m.shape
    return [s.P * s.V * 8, s.V * s.E * CODE_BITS, s.P * s.E * ACC_BYTES * 8]


def page_shapes():
    text("""
## The shape of the array

All candidates make 4,096 multiplications per cycle, with 32 activation banks and G = 4. Utilisation of the array alone
(DRAM and vector unit do not count), in per cent, per kind of layer over all networks together (by multiplications), and
per network. Ports: bits per cycle of activations into the columns, of weights, of accumulators out.
""")
    rows = []
    for s in SHAPES:
        m = zcu102(s)._replace(banks=32)
        rows.append([shape_name(s)] + [pct(kind_use(NETS, k, m)) for k in KINDS] + [pct(use(n, m)) for n in NETS] +
                    [pct(mean([use(n, m) for n in NETS])), pct(mean([use(n, m, 'bound') for n in NETS]))] +
                    [f'{b:,}' for b in port_bits(m)])
    table(['V×E×P'] + list(KINDS) + list(NETS) + ['mean', 'mean, bound', 'act', 'wgt', 'acc'], rows)
    rows = []
    for label, s in (('paper', PAPER), ('vta', VTA)):
        m = zcu102(s)
        rows.append([f'{label} {shape_name(s)}', s.V * s.E * s.P] + [pct(kind_use(NETS, k, m)) for k in KINDS] +
                    [pct(use(n, m)) for n in NETS])
    text("""
`mean` is geometric over the networks; `mean, bound` is the same with DRAM and vector unit counted (see Whole networks).
The smaller arrays of two other targets, by the same rules (2P banks, 8-bit activations):
""")
    table(['target', 'MAC/cycle'] + list(KINDS) + list(NETS), rows)
    page_shape_reasons()


def page_shape_reasons():
    chosen, rival = zcu102(CHOSEN), zcu102(Shape(16, 32, 8))._replace(banks=32)

    def both(n):
        return f'{pct(use(n, chosen))} against {pct(use(n, rival))}'

    def means(what):
        return [pct(mean([use(n, m, what) for n in NETS])) for m in (chosen, rival)]
    (array, array_rival), (bound, bound_rival) = means('array'), means('bound')
    text(f"""
What the table says:
- P = 16 is poor where a layer has 7×7 pixels: 49 pixels fill 64 places, 76.6 %. That is most of what ResNet-18
  ({both('ResNet-18')}) and ResNet-50 ({both('ResNet-50')}) lose against 16×32×8. AlexNet ({both('AlexNet')}) is its
  fully-connected layers, which use one column of 16 instead of one of 8; those wait for DRAM on either (below).
- E = 32 is poor where channels are few or odd: ResNet-20 {both('ResNet-20')} (a third of it has 16 channels),
  EfficientNet-B0 {both('EfficientNet-B0')} (40, 80, 112, 144, 240 channels). MobileNetV2 has it both ways: {both('MobileNetV2')}.
- V = 32 loses everywhere but in wide dense layers: channels are padded to 32, a depthwise step uses G of 32 lanes, and
  the stem gathers 8 taps where kernels have 3, 7 or 11.
- V = 8 with E = 32 could do twice the depthwise work in a step, but an output block then lies in four vectors: 72 for a
  3×3 window, three cycles from 32 banks. And its accumulator port is twice as wide.

**Chosen: V = 16, E = 16, P = 16.** Honestly, it is close: 16×32×8 with 32 banks is better for the large ResNets by the
figures above and in the mean of the array ({array_rival} against {array}), and worse in the mean of whole networks
({bound_rival} against {bound}). It needs a weight port of twice the width and an activation crossbar of half. Networks with few channels
decided. Nothing in the instruction set depends on it: V, E and P are the target's, fields count vectors, entries and
blocks, and 16×32×8 is a target file away.
""")


def conflict_loss(kind, s, m, tuned):
    """Extra MAC cycles by bank conflicts, of all layers of one kind and stride."""
    free = m._replace(banks=1 << 20)
    layers = [l for net in NETS.values() for l in net if l.kind == kind and l.s == s]
    if not layers:
        return None
    rows = {l: layer_result(l, zcu102(CHOSEN))[6].rows for l in layers}
    cycles = sum(array_cycles(l, m, rows[l], tuned)[0] for l in layers)
    return cycles / sum(array_cycles(l, free, rows[l], False)[0] for l in layers) - 1


def page_banks():
    text("""
## Banks of the activation buffer

A vector lies in bank (address mod banks), a bank delivers one vector per cycle, equal vectors once. Extra cycles of the
multiplications by conflicts, in per cent; `fitted` lets the compiler choose the row pitch of the input tile (up to 15
vectors more than the row needs, which the tile pays in the buffer), so that rows that share a group of 16 pixels fall into
different banks.
""")
    rows = []
    for kind in KINDS[:4]:
        for s in (1, 2, 4):
            if conflict_loss(kind, s, zcu102(CHOSEN), True) is None:
                continue
            rows.append([kind, s] + [pct(conflict_loss(kind, s, zcu102(CHOSEN, banks=b), tuned))
                                     for b in (1, 2, 4) for tuned in (False, True)])
    table(['kind', 'stride'] + [f'{b}P {how}' for b in (1, 2, 4) for how in ('plain', 'fitted')], rows)
    one, two, four = [[use(n, zcu102(CHOSEN, banks=b)) for n in NETS] for b in (1, 2, 4)]
    text(f"""
**Chosen: banks = 2P, and the compiler fits the pitch.** With P banks a group that crosses a row or has a stride takes two
banks' worth from one: the mean utilisation is {pct(mean(one))} instead of {pct(mean(two))}. 4P banks would give {pct(mean(four))}: not worth a crossbar of
twice the size. What 2P leaves is depthwise with stride 2, whose window of 33 vectors cannot come from 32 banks at once.
""")


def page_depthwise():
    text("""
## Depthwise: taps per step

A step gathers up to G neighbouring taps of a kernel row; each element sees its own channel of them. A step so uses at most
G of V lanes: 3 of 16 at 3×3. Cycles per group of 16 pixels and 16 channels without conflicts (MAC + OUT), utilisation of
all depthwise layers with conflicts, array utilisation of the two networks that have them, and depthwise weights in memory
(whole blocks of E·V codes, of which G·E are used).
""")
    rows = []
    for g in (1, 2, 3, 4, 5, 8):
        m = zcu102(CHOSEN, gather=g)
        size = sum(weight_bytes(l, m) for l in NETS['EfficientNet-B0'] if l.kind == 'depthwise')
        rows.append([g] + [k * up(k, g) + 1 for k in (3, 5)] + [pct(kind_use(NETS, 'depthwise', m))] +
                    [pct(use(n, m)) for n in ('MobileNetV2', 'EfficientNet-B0')] + [kilo(size)])
    table(['G', '3×3', '5×5', 'depthwise %', 'MobileNetV2 %', 'EfficientNet-B0 %', 'EfficientNet-B0 weights kB'], rows)
    four, five = zcu102(CHOSEN), zcu102(CHOSEN, gather=5)
    text(f"""
**Chosen: G = 4**, the power of two that takes a 3×3 row at once. G = 5 would take a 5×5 row at once and is worth
{100 * (use('EfficientNet-B0', five) - use('EfficientNet-B0', four)):.1f} points of array utilisation on EfficientNet-B0, where the vector unit is the limit anyway (below); more than 5 is
worth nothing here. G is the target's, not the instruction set's. With one tap per step MobileNetV2 would fall to
{pct(use('MobileNetV2', zcu102(CHOSEN, gather=1)))} %.
""")


def stem_cycles(l):
    """Multiplying steps per group and output block: dense with channels padded to V; 4 elements per pixel; planes."""
    V = CHOSEN.V
    dense = l.k * l.k + 1
    four = l.k * up(l.k, V // 4) + 1
    planes = 3 * l.k * up(l.k, V) + 3 + 2  # an instruction per plane, the second and third start from the accumulators
    return dense, four, planes


def page_stem():
    text("""
## The stem: three channels

Cycles per group and output block, overhead included, and the utilisation they leave: `dense` pads 3 channels to V;
`4 per pixel` stores pixels as 4 elements (the fourth is the encoded zero) and gathers V / 4 taps of a kernel row into the
lanes; `planes` gathers V taps of one colour plane at a time, which needs three instructions.
""")
    rows = []
    for n in NETS:
        l = NETS[n][0]
        useful = l.k * l.k * 3 / CHOSEN.V
        rows.append([n, f'{l.k}×{l.k} / {l.s}'] + [f'{c} ({pct(useful / c)} %)' for c in stem_cycles(l)])
    table(['network', 'kernel', 'dense', '4 per pixel', 'planes'], rows)
    text("""
**Chosen: the stem form with px = 2** (4 elements per pixel). The field px also allows 1 element per pixel (grey images:
16 taps in a step) and 2. The host writes its input in this layout, so that no device time is spent on it. Columns of a
group read overlapping or neighbouring vectors, each delivered once: no conflicts at any of these strides with 2P banks.
""")


def page_fc():
    text("""
## Fully connected

One image has one pixel: one of P columns works, E·V = 256 weights per cycle, while 96 bytes of DRAM bring 192 4-bit codes
per cycle. Weights are used once, so DRAM decides on any shape.
""")
    rows, m = [], zcu102(CHOSEN)
    for n in NETS:
        layers = [layer_result(l, m) for l in NETS[n] if l.kind == 'fc']
        rows.append([n, len(layers), kilo(sum(r[5] for r in layers)), f'{sum(r[1] for r in layers):,}',
                     f'{sum(r[4] for r in layers):,}'])
    table(['network', 'layers', 'DRAM kB', 'array cycles', 'DRAM cycles'], rows)
    text("""
**Chosen: the fully-connected form is the dense loop with one pixel**; no further hardware. Shapes with fewer columns look
better in the table of kinds, and gain nothing.
""")


def vector_parts(name, m):
    parts = {}
    for l in NETS[name]:
        for row in l.vector:
            key = 'mean' if row[0] == 'win' and l.out == 1 else row[0]
            parts[key] = parts.get(key, 0) + vector_cycles(l._replace(vector=(row,)), m)
    return parts


def page_vector():
    text("""
## Vector lanes

Cycles in thousands; `bound` is the whole network (below). Requantization with bias, clamp and residual is one beat per
vector_lanes outputs; windows take one beat per tap; a table pass takes one look-up per table lane and cycle.
""")
    rows = []
    for lanes, tables in ((32, 16), (64, 16), (128, 16), (64, 32), (64, 64), (128, 64)):
        m = zcu102(CHOSEN, vector_lanes=lanes, table_lanes=tables)
        rows.append([lanes, tables] + [f"{kilo(network(n, m)['vector'])} / {kilo(network(n, m)['bound'])}" for n in NETS])
    table(['vector_lanes', 'table_lanes'] + [n + ' vector / bound' for n in NETS], rows)
    names = ('req', 'win', 'mean', 'lut', 'pair')
    table(['64 and 16 lanes, thousand cycles', 'requantize', 'max window', 'global mean', 'table', 'multiply'],
          [[n] + [kilo(vector_parts(n, zcu102(CHOSEN)).get(k, 0)) for k in names] for n in NETS])
    part, m64 = vector_parts('EfficientNet-B0', zcu102(CHOSEN)), zcu102(CHOSEN, table_lanes=64)
    bound, bound64 = network('EfficientNet-B0', zcu102(CHOSEN))['bound'], network('EfficientNet-B0', m64)['bound']
    spread = part['mean'] - up(part['mean'], 4)
    text(f"""
**Chosen: 64 lanes.** 32 cost MobileNetV2 {100 * (network('MobileNetV2', zcu102(CHOSEN, vector_lanes=32))['bound'] / network('MobileNetV2', zcu102(CHOSEN))['bound'] - 1):.0f} % more cycles, 128 save it {100 * (1 - network('MobileNetV2', zcu102(CHOSEN, vector_lanes=128))['bound'] / network('MobileNetV2', zcu102(CHOSEN))['bound']):.0f} %; each lane has a 16-bit multiplier.
**The weak place is EfficientNet-B0**, and it is the vector unit: swish through 16 table lanes takes {kilo(part['lut'])} of {kilo(bound)} thousand
cycles, and the global means before squeeze-excite {kilo(part['mean'])}, because one output pixel fills one quarter of a beat. 64 table
lanes alone bring the network from {kilo(bound)} to {kilo(bound64)} thousand cycles; a beat that takes the same tap of four blocks at once would take
about {kilo(spread)} more off. Both are the target's and the micro-instructions' business, not the instruction set's.
""")


def page_memory():
    text("""
## Buffers and DRAM

Layer by layer: every layer reads its input from DRAM and writes its output there, in tiles of full-width rows times chunks
of output blocks, double-buffered. `used` is the largest need over the layers with the tiles chosen here (activations:
1,536 KiB, weights: 1,024, accumulators: 448); `least` is the need of the smallest tiles: one row, one output block.
""")
    m, rows = zcu102(CHOSEN), []
    huge = m._replace(act=1 << 40, wgt=1 << 40, acc=1 << 40)
    for n in NETS:
        layers = [l for l in NETS[n] if l.kind != 'pool']
        best = [layer_result(l, m)[6] for l in layers]
        least = [[min(getattr(t, part) for t in tilings(l, huge)) for l in layers] for part in ('act', 'wgt', 'acc')]
        total = network(n, m)
        once = sum(weight_bytes(l, m) + sum(act_bytes(l, m)) for l in NETS[n])
        rows.append([n] + [f'{max(getattr(t, part) for t in best) / 1024:,.0f}' for part in ('act', 'wgt', 'acc')] +
                    [f'{max(x) / 1024:,.0f}' for x in least] + [kilo(total['bytes']), pct(total['bytes'] / once - 1)])
    table(['network', 'act KiB used', 'wgt KiB used', 'acc KiB used', 'act KiB least', 'wgt KiB least', 'acc KiB least', 'DRAM kB',
           'more than once %'], rows)
    text("""
`more than once` compares with reading every weight and input and writing every output exactly once; it is residuals,
halos and repeated chunks. So the buffers are large enough: what remains is to keep tensors on the chip between layers.
""")


def page_whole():
    text("""
## Whole networks, 16×16×16

`array`: cycles of the array alone. `bound`: the sum over layers of the slowest of array, vector unit and DRAM, which
overlap within a layer and never across layers: no stalls for latency, tokens or unequal tiles are in it. `limited by`: where those
cycles are. `out`: cycles that only write accumulators.
""")
    rows = []
    for n in NETS:
        t = network(n, zcu102(CHOSEN))
        by = ' / '.join(pct(t['by'][k] / t['bound']) for k in ('array', 'vector', 'dram'))
        rows.append([n, f"{t['macs'] / 1e6:,.0f}", kilo(t['array']), pct(use(n, zcu102(CHOSEN))), pct(t['out'] / t['array']),
                     kilo(t['vector']), kilo(t['dram']), kilo(t['bound']), pct(use(n, zcu102(CHOSEN), 'bound')),
                     f"{t['bound'] / 200e3:.2f}", by])
    table(['network', 'MMAC', 'array kcycles', 'array %', 'out %', 'vector kcycles', 'DRAM kcycles', 'bound kcycles',
           'bound %', 'ms at 200 MHz', 'limited by array / vector / DRAM %'], rows)
    vta = Machine(VTA, 2, 4, 16, 16, 256 << 10, 176 << 10, 64 << 10, 8, 40)
    text('The same for the `vta` target (256 MAC/cycle, 8 B of DRAM per cycle, its own buffers): ' + ', '.join(
        f"{n} {pct(use(n, vta, 'bound'))} %" for n in NETS) + '.')
    mobile, res = network('MobileNetV2', zcu102(CHOSEN)), network('ResNet-50', zcu102(CHOSEN))
    text(f"""
- Writing accumulators is a micro-instruction of its own and costs one cycle per group and output block: {pct(res['out'] / res['array'])} % of ResNet-50's array
  cycles, {pct(mobile['out'] / mobile['array'])} % of MobileNetV2's, where a group has few multiplications. A second set of running sums would hide it.
- MobileNetV2 waits for DRAM more than for anything else when each layer goes through DRAM: expansion, depthwise and projection
  belong together on the chip. That is the scheduler's work; the instructions allow it.
""")


def page_decisions():
    text("""
## What is fixed

| decision | value | rejected |
|---|---|---|
| lanes, elements, columns | 16, 16, 16 (target) | 16×32×8: better for large ResNets, worse below 32 channels; 32 lanes: channel padding |
| activation banks | 2P, pitch fitted by the compiler (target) | P: conflicts at every row end; 4P: crossbar |
| depthwise form | up to G taps of a kernel row per step, G = 4 (target) | one tap per step; the vector unit (64 products per cycle against 768) |
| stem form | taps gathered into lanes, px = 2 | dense padding: less than half; planes: three instructions |
| fully-connected form | dense loop with one pixel | a form of its own: DRAM decides |
| vector lanes | 64 (target) | 32: MobileNetV2; 128: little gain |
| table lanes | 16 (target) | see Vector lanes: EfficientNet-B0 wants 64 |
""")


def main():
    print('# The mapping study\n')
    print('<!-- Printed by tests/bench/mapping.py; a test compares. -->\n')
    text("""
How the layers of six networks lie on an array of V lanes × E elements × P columns, and what that fixes in the instruction
set and in the targets. A step of the array multiplies, in each of P columns (pixels), V activations with E·V weights and
adds into E running sums. The pixels of a tile are numbered row by row and taken P at a time, so that only the last group
of a tile is partly empty. The rules for steps and ports are those of `isa/svpe.def`, counted here exactly, bank conflicts
included; utilisation is always multiplications of the network over multiplications the array could have made.
""")
    for page in (page_networks, page_shapes, page_banks, page_depthwise, page_stem, page_fc, page_vector, page_memory,
                 page_whole, page_decisions):
        page()


if __name__ == '__main__':
    main()
