#!/usr/bin/env python3
"""The mapping study: how six networks' layers lie on the array, and what follows for the
instruction set. Prints docs/mapping.md. Plain Python, no packages, no randomness: the same text
every time. The model is array_model.py.
"""

import sys
import textwrap

sys.dont_write_bytecode = True
from array_model import *


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
    """Paragraphs and bullets, filled; table rows as they are."""
    item = []

    def flush():
        if item:
            hang = '  ' if item[0].startswith('- ') else ''
            print(
                textwrap.fill(' '.join(item), 100, subsequent_indent=hang, break_on_hyphens=False)
            )
        item.clear()

    for line in s.strip().split('\n'):
        if not line or line[0] in '|#' or line.startswith('- '):
            flush()
        if not line or line[0] in '|#':
            print(line)
        else:
            item.append(line.strip())
    flush()
    print()


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

Layers as published, 224×224 (AlexNet 227×227, ResNet-20 32×32), one image. Shares are of the
multiplications. Weights are packed 4-bit codes for the chosen array, padding and depthwise blocks
included; the largest layer is its input and output together, one byte per element.
""")
    rows = []
    for n, net in NETS.items():
        m, total = zcu102(CHOSEN), sum(map(macs, net))
        assert round(total / 1e6) == PUBLISHED_MMAC[n], n
        share = [sum(macs(l) for l in net if l.kind == k) / total for k in KINDS]
        rows.append(
            [n, sum(l.kind != 'pool' for l in net), f'{total / 1e6:,.1f}']
            + [pct(x) for x in share]
            + [
                kilo(sum(weight_bytes(l, m) for l in net)),
                kilo(max(sum(act_bytes(l, m)) for l in net)),
            ]
        )
    table(
        ['network', 'layers', 'MMAC']
        + [k + ' %' for k in KINDS]
        + ['weights kB', 'largest layer kB'],
        rows,
    )


def port_bits(m):
    s = m.shape
    return [s.P * s.V * 8, s.V * s.E * CODE_BITS, s.P * s.E * ACC_BYTES * 8]


def page_shapes():
    text("""
## The shape of the array

All candidates make 4,096 multiplications per cycle, with 32 activation banks and G = 4.
Utilisation of the array alone (DRAM and vector unit do not count), in per cent, per kind of layer
over all networks together (by multiplications), and per network. Ports: bits per cycle of
activations into the columns, of weights, of accumulators out.
""")
    rows = []
    for s in SHAPES:
        m = zcu102(s)._replace(banks=32)
        rows.append(
            [shape_name(s)]
            + [pct(kind_use(NETS, k, m)) for k in KINDS]
            + [pct(use(n, m)) for n in NETS]
            + [pct(mean([use(n, m) for n in NETS])), pct(mean([use(n, m, 'bound') for n in NETS]))]
            + [f'{b:,}' for b in port_bits(m)]
        )
    table(['V×E×P'] + list(KINDS) + list(NETS) + ['mean', 'mean, bound', 'act', 'wgt', 'acc'], rows)
    rows = []
    for label, s in (('paper', PAPER), ('vta', VTA)):
        m = zcu102(s)
        rows.append(
            [f'{label} {shape_name(s)}', s.V * s.E * s.P]
            + [pct(kind_use(NETS, k, m)) for k in KINDS]
            + [pct(use(n, m)) for n in NETS]
        )
    text("""
`mean` is geometric over the networks; `mean, bound` is the same with DRAM and vector unit counted
(see Whole networks). The smaller arrays of two other targets, by the same rules (2P banks, 8-bit
activations):
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
- P = 16 is poor where a layer has 7×7 pixels: 49 pixels fill 64 places, 76.6 %. That is most of
  what ResNet-18 ({both('ResNet-18')}) and ResNet-50 ({both('ResNet-50')}) lose against 16×32×8.
  AlexNet ({both('AlexNet')}) is its fully-connected layers, which use one column of 16 instead of
  one of 8; those wait for DRAM on either (below).
- E = 32 is poor where channels are few or odd: ResNet-20 {both('ResNet-20')} (a third of it has
  16 channels), EfficientNet-B0 {both('EfficientNet-B0')} (40, 80, 112, 144, 240 channels).
  MobileNetV2 has it both ways: {both('MobileNetV2')}.
- V = 32 loses everywhere but in wide dense layers: channels are padded to 32, a depthwise step
  uses G of 32 lanes, and the stem gathers 8 taps where kernels have 3, 7 or 11.
- V = 8 with E = 32 could do twice the depthwise work in a step, but an output block then lies in
  four vectors: 72 for a 3×3 window, three cycles from 32 banks. And its accumulator port is twice
  as wide.

**Chosen: V = 16, E = 16, P = 16.** Honestly, it is close: 16×32×8 with 32 banks is better for the
large ResNets by the figures above and in the mean of the array ({array_rival} against {array}),
and worse in the mean of whole networks ({bound_rival} against {bound}). It needs a weight port of
twice the width and an activation crossbar of half. Networks with few channels decided. Nothing in
the instruction set depends on it: V, E and P are the target's, fields count vectors, entries and
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

A vector lies in bank (address mod banks), a bank delivers one vector per cycle, equal vectors
once. Extra cycles of the multiplications by conflicts, in per cent; `fitted` lets the compiler
choose the row pitch of the input tile (up to 15 vectors more than the row needs, which the tile
pays in the buffer), so that rows that share a group of 16 pixels fall into different banks.
""")
    rows = []
    for kind in KINDS[:4]:
        for s in (1, 2, 4):
            if conflict_loss(kind, s, zcu102(CHOSEN), True) is None:
                continue
            rows.append(
                [kind, s]
                + [
                    pct(conflict_loss(kind, s, zcu102(CHOSEN, banks=b), tuned))
                    for b in (1, 2, 4)
                    for tuned in (False, True)
                ]
            )
    table(
        ['kind', 'stride'] + [f'{b}P {how}' for b in (1, 2, 4) for how in ('plain', 'fitted')], rows
    )
    one, two, four = [[use(n, zcu102(CHOSEN, banks=b)) for n in NETS] for b in (1, 2, 4)]
    text(f"""
**Chosen: banks = 2P, and the compiler fits the pitch.** With P banks a group that crosses a row
or has a stride takes two banks' worth from one: the mean utilisation is {pct(mean(one))} instead
of {pct(mean(two))}. 4P banks would give {pct(mean(four))}: not worth a crossbar of twice the
size. What 2P leaves is depthwise with stride 2, whose window of 33 vectors cannot come from 32
banks at once. `backend/pitch.c` fits the pitch of every layer's tiles, those of pooling windows
among them; `tests/bench/uops.sh MODEL.svpe` prints the conflicts a program is left with.
""")


def page_depthwise():
    text("""
## Depthwise: taps per step

A step gathers up to G neighbouring taps of a kernel row; each element sees its own channel of
them. A step so uses at most G of V lanes: 3 of 16 at 3×3. Cycles per group of 16 pixels and 16
channels without conflicts (MAC + OUT), utilisation of all depthwise layers with conflicts, array
utilisation of the two networks that have them, and depthwise weights in memory (whole blocks of
E·V codes, of which G·E are used).
""")
    rows = []
    for g in (1, 2, 3, 4, 5, 8):
        m = zcu102(CHOSEN, gather=g)
        size = sum(weight_bytes(l, m) for l in NETS['EfficientNet-B0'] if l.kind == 'depthwise')
        rows.append(
            [g]
            + [k * up(k, g) + 1 for k in (3, 5)]
            + [pct(kind_use(NETS, 'depthwise', m))]
            + [pct(use(n, m)) for n in ('MobileNetV2', 'EfficientNet-B0')]
            + [kilo(size)]
        )
    table(
        [
            'G',
            '3×3',
            '5×5',
            'depthwise %',
            'MobileNetV2 %',
            'EfficientNet-B0 %',
            'EfficientNet-B0 weights kB',
        ],
        rows,
    )
    four, five = zcu102(CHOSEN), zcu102(CHOSEN, gather=5)
    text(f"""
**Chosen: G = 4**, the power of two that takes a 3×3 row at once. G = 5 would take a 5×5 row at
once and is worth {100 * (use('EfficientNet-B0', five) - use('EfficientNet-B0', four)):.1f} points
of array utilisation on EfficientNet-B0, where the vector unit is the limit anyway (below); more
than 5 is worth nothing here. G is the target's, not the instruction set's. With one tap per step
MobileNetV2 would fall to {pct(use('MobileNetV2', zcu102(CHOSEN, gather=1)))} %.
""")


def stem_cycles(l):
    """Steps per group and output block: channels padded to V; 4 elements per pixel; planes."""
    V = CHOSEN.V
    dense = l.k * l.k + 1
    four = l.k * up(l.k, V // 4) + 1
    planes = (
        3 * l.k * up(l.k, V) + 3 + 2
    )  # an instruction per plane, the second and third start from the accumulators
    return dense, four, planes


def page_stem():
    text("""
## The stem: three channels

Cycles per group and output block, overhead included, and the utilisation they leave: `dense` pads
3 channels to V; `4 per pixel` stores pixels as 4 elements (the fourth is the encoded zero) and
gathers V / 4 taps of a kernel row into the lanes; `planes` gathers V taps of one colour plane at
a time, which needs three instructions.
""")
    rows = []
    for n in NETS:
        l = NETS[n][0]
        useful = l.k * l.k * 3 / CHOSEN.V
        rows.append(
            [n, f'{l.k}×{l.k} / {l.s}'] + [f'{c} ({pct(useful / c)} %)' for c in stem_cycles(l)]
        )
    table(['network', 'kernel', 'dense', '4 per pixel', 'planes'], rows)
    text("""
**Chosen: the stem form with px = 2** (4 elements per pixel). The field px also allows 1 element
per pixel (grey images: 16 taps in a step) and 2. The host writes its input in this layout, so
that no device time is spent on it. Columns of a group read overlapping or neighbouring vectors,
each delivered once: no conflicts at any of these strides with 2P banks.
""")


def page_fc():
    text("""
## Fully connected

One image has one pixel: one of P columns works, E·V = 256 weights per cycle, while 96 bytes of
DRAM bring 192 4-bit codes per cycle. Weights are used once, so DRAM decides on any shape.
""")
    rows, m = [], zcu102(CHOSEN)
    for n in NETS:
        layers = [layer_result(l, m) for l in NETS[n] if l.kind == 'fc']
        rows.append(
            [
                n,
                len(layers),
                kilo(sum(r[5] for r in layers)),
                f'{sum(r[1] for r in layers):,}',
                f'{sum(r[4] for r in layers):,}',
            ]
        )
    table(['network', 'layers', 'DRAM kB', 'array cycles', 'DRAM cycles'], rows)
    text("""
**Chosen: the fully-connected form is the dense loop with one pixel**; no further hardware. Shapes
with fewer columns look better in the table of kinds, and gain nothing.
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

Cycles in thousands; `bound` is the whole network (below). Requantization with bias, clamp and
residual is one beat per vector_lanes outputs; windows take one beat per tap; a table pass takes
one look-up per table lane and cycle.
""")
    rows = []
    for lanes, tables in ((32, 16), (64, 16), (128, 16), (64, 32), (64, 64), (128, 64)):
        m = zcu102(CHOSEN, vector_lanes=lanes, table_lanes=tables)
        rows.append(
            [lanes, tables]
            + [f"{kilo(network(n, m)['vector'])} / {kilo(network(n, m)['bound'])}" for n in NETS]
        )
    table(['vector_lanes', 'table_lanes'] + [n + ' vector / bound' for n in NETS], rows)
    names = ('req', 'win', 'mean', 'lut', 'pair')
    table(
        [
            '64 and 64 lanes, thousand cycles',
            'requantize',
            'max window',
            'global mean',
            'table',
            'multiply',
        ],
        [[n] + [kilo(vector_parts(n, zcu102(CHOSEN)).get(k, 0)) for k in names] for n in NETS],
    )
    part, part16 = [
        vector_parts('EfficientNet-B0', zcu102(CHOSEN, table_lanes=n)) for n in (64, 16)
    ]
    bound, bound16 = [
        network('EfficientNet-B0', zcu102(CHOSEN, table_lanes=n))['bound'] for n in (64, 16)
    ]
    spread = part['mean'] - up(part['mean'], 4)
    narrow, usual, wide = [
        network('MobileNetV2', zcu102(CHOSEN, vector_lanes=n))['bound'] for n in (32, 64, 128)
    ]
    text(f"""
**Chosen: 64 lanes.** 32 cost MobileNetV2 {100 * (narrow / usual - 1):.0f} % more cycles, 128 save
it {100 * (1 - wide / usual):.0f} %; each lane has a 16-bit multiplier.

**Chosen: 64 table lanes**, one per lane, so that a beat of look-ups takes one cycle as every other
beat does. With 16 of them swish alone takes {kilo(part16['lut'])} of EfficientNet-B0's
{kilo(bound16)} thousand cycles; with 64 it takes {kilo(part['lut'])} of {kilo(bound)}. The other
networks look nothing up. A table has 257 entries of 16 bits; 64 look-ups per cycle are 32 copies
of it with two ports each, 16 KiB in all.

**The weak place is still EfficientNet-B0**, and it is still the vector unit: the global means
before squeeze-excite take {kilo(part['mean'])} thousand cycles, because one output pixel fills one
quarter of a beat. A beat that takes the same tap of four blocks at once would take about
{kilo(spread)} off. That is the micro-instructions' business, not the instruction set's.
""")


def page_memory():
    text("""
## Buffers and DRAM

Layer by layer: every layer reads its input from DRAM and writes its output there, in tiles of
full-width rows times chunks of output blocks, double-buffered. `used` is the largest need over
the layers with the tiles chosen here (activations: 1,536 KiB, weights: 1,024, accumulators: 448);
`least` is the need of the smallest tiles: one row, one output block.
""")
    m, rows = zcu102(CHOSEN), []
    huge = m._replace(act=1 << 40, wgt=1 << 40, acc=1 << 40)
    for n in NETS:
        layers = [l for l in NETS[n] if l.kind != 'pool']
        best = [layer_result(l, m)[6] for l in layers]
        least = [
            [min(getattr(t, part) for t in tilings(l, huge)) for l in layers]
            for part in ('act', 'wgt', 'acc')
        ]
        total = network(n, m)
        once = sum(weight_bytes(l, m) + sum(act_bytes(l, m)) for l in NETS[n])
        rows.append(
            [n]
            + [
                f'{max(getattr(t, part) for t in best) / 1024:,.0f}'
                for part in ('act', 'wgt', 'acc')
            ]
            + [f'{max(x) / 1024:,.0f}' for x in least]
            + [kilo(total['bytes']), pct(total['bytes'] / once - 1)]
        )
    table(
        [
            'network',
            'act KiB used',
            'wgt KiB used',
            'acc KiB used',
            'act KiB least',
            'wgt KiB least',
            'acc KiB least',
            'DRAM kB',
            'more than once %',
        ],
        rows,
    )
    text("""
`more than once` compares with reading every weight and input and writing every output exactly
once; it is residuals, halos and repeated chunks. So the buffers are large enough: what remains is
to keep tensors on the chip between layers.
""")


def page_whole():
    text("""
## Whole networks, 16×16×16

`array`: cycles of the array alone. `bound`: the sum over layers of the slowest of array, vector
unit and DRAM, which overlap within a layer and never across layers: no stalls for latency, tokens
or unequal tiles are in it. `limited by`: where those cycles are. `out`: cycles that only write
accumulators.
""")
    rows = []
    for n in NETS:
        t = network(n, zcu102(CHOSEN))
        by = ' / '.join(pct(t['by'][k] / t['bound']) for k in ('array', 'vector', 'dram'))
        rows.append(
            [
                n,
                f"{t['macs'] / 1e6:,.0f}",
                kilo(t['array']),
                pct(use(n, zcu102(CHOSEN))),
                pct(t['out'] / t['array']),
                kilo(t['vector']),
                kilo(t['dram']),
                kilo(t['bound']),
                pct(use(n, zcu102(CHOSEN), 'bound')),
                f"{t['bound'] / 200e3:.2f}",
                by,
            ]
        )
    table(
        [
            'network',
            'MMAC',
            'array kcycles',
            'array %',
            'out %',
            'vector kcycles',
            'DRAM kcycles',
            'bound kcycles',
            'bound %',
            'ms at 200 MHz',
            'limited by array / vector / DRAM %',
        ],
        rows,
    )
    vta = Machine(VTA, 2, 4, 16, 16, 256 << 10, 176 << 10, 64 << 10, 8, 40)
    text(
        'The same for the `vta` target (256 MAC/cycle, 8 B of DRAM per cycle, its own buffers): '
        + ', '.join(f"{n} {pct(use(n, vta, 'bound'))} %" for n in NETS)
        + '.'
    )
    mobile, res = network('MobileNetV2', zcu102(CHOSEN)), network('ResNet-50', zcu102(CHOSEN))
    text(f"""
- Writing accumulators is a micro-instruction of its own and costs one cycle per group and output
  block: {pct(res['out'] / res['array'])} % of ResNet-50's array cycles,
  {pct(mobile['out'] / mobile['array'])} % of MobileNetV2's, where a group has few
  multiplications. A second set of running sums would hide it.
- MobileNetV2 waits for DRAM more than for anything else when each layer goes through DRAM:
  expansion, depthwise and projection belong together on the chip. That is the scheduler's work;
  the instructions allow it.
""")


def page_decisions():
    text('## What is fixed')
    table(
        ['decision', 'value', 'rejected'],
        [
            [
                'lanes, elements, columns',
                '16, 16, 16 (target)',
                '16×32×8: worse below 32 channels; 32 lanes: channel padding',
            ],
            [
                'activation banks',
                '2P, pitch fitted by the compiler (target)',
                'P: conflicts at every row end; 4P: the crossbar',
            ],
            [
                'depthwise form',
                'G taps of a kernel row per step, G = 4 (target)',
                'one tap per step; the vector unit: 64 products per cycle instead of 768',
            ],
            [
                'stem form',
                'taps gathered into lanes, px = 2',
                'dense with padded channels: less than half; planes: slower',
            ],
            [
                'fully-connected form',
                'dense loop with one pixel',
                'a form of its own: DRAM decides',
            ],
            ['vector lanes', '64 (target)', '32: MobileNetV2; 128: little gain'],
            ['table lanes', '64 (target)', '16: half of EfficientNet-B0 would be look-ups'],
        ],
    )


def main():
    print('# The mapping study\n')
    print('<!-- Printed by tests/bench/mapping.py; a test compares. -->\n')
    text("""
How the layers of six networks lie on an array of V lanes × E elements × P columns, and what that
fixes in the instruction set and in the targets. A step of the array multiplies, in each of P
columns (pixels), V activations with E·V weights and adds into E running sums. The pixels of a
tile are numbered row by row and taken P at a time, so that only the last group of a tile is
partly empty. The rules for steps and ports are those of `isa/svpe.def`, counted here exactly,
bank conflicts included; utilisation is always multiplications of the network over multiplications
the array could have made.
""")
    for page in (
        page_networks,
        page_shapes,
        page_banks,
        page_depthwise,
        page_stem,
        page_fc,
        page_vector,
        page_memory,
        page_whole,
        page_decisions,
    ):
        page()


if __name__ == '__main__':
    main()
