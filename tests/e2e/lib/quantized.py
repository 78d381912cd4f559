"""IR text with every operator of the quantized level, on random integers: quantized.py BITS SEED >GRAPH.nir

Tensors of zero 0 and of the encoded zero of what is never negative; shifts of none and of many bits; windows that reach
over the edges; weights of one and two terms."""
import pathlib
import re
import sys

import numpy as np

bits, seed = int(sys.argv[1]), int(sys.argv[2])
rng = np.random.default_rng(seed)
low = -(1 << (bits - 1))
kind, unit = f"i{bits}", 8 - bits  # an exponent of 8 bits is finer by that with more
lines, consts, made = [], [], {}


def ints(name, dtype, values, shape=None):
    shape = shape or [len(values)]
    consts.append(f"const %{name}: {dtype}[{'x'.join(map(str, shape))}] = [{', '.join(map(str, values))}]")
    return name


def node(op, inputs, shape, exp, signed=True, **attrs):
    name = f"{op}{len(made)}"
    made[name] = shape
    more = ", ".join(f"{k}={list(v) if isinstance(v, (list, tuple)) else v}" for k, v in attrs.items())
    q = f"q(bits={bits}, exp={exp}, zero={0 if signed else low})"
    args = ", ".join("_" if i is None else "%" + i for i in inputs)
    lines.append(f"%{name}: {kind}[{'x'.join(map(str, shape))}] {q} = {op}({args}) {{{more}}}" if more else
                 f"%{name}: {kind}[{'x'.join(map(str, shape))}] {q} = {op}({args})")
    return name


def conv(x, x_exp, out, kernel, exp, signed=True, group=1, terms=1, residual=None, **attrs):
    n, c, h, w = made[x]
    name = f"k{len(made)}"
    rows, cols = ((s + 2 * attrs.get("pad", 0) - kernel) // attrs.get("stride", 1) + 1 for s in (h, w))
    shape = [out, c // group, kernel, kernel]
    inputs = [x]
    weights = [ints(f"{name}.w{t}", "i16", rng.choice([-1, 1], np.prod(shape)) * 2 ** rng.integers(0, 7, np.prod(shape))
                    * (rng.random(np.prod(shape)) > 0.1), shape) for t in range(terms)]
    shift = rng.integers(7, 10, out) + 2 * (terms - 1)
    wexp = (exp - shift - x_exp).tolist()
    inputs += [weights[0], ints(f"{name}.e", "i32", wexp), ints(f"{name}.b", "i32", rng.integers(-9999, 9999, out) << (bits - 8)),
               ints(f"{name}.s", "i32", shift.tolist())]
    more = {"pads": [attrs.get("pad", 0)] * 4, "strides": [attrs.get("stride", 1)] * 2, "group": group, "bits": 4}
    if residual:
        inputs.append(residual)
        more.update(mid_exp=exp, mid_bits=16)
    if terms == 2:
        inputs += [None] * (6 - len(inputs)) + [weights[1]]
        more.update(terms=2, term_shift=2)
    return node("qconv", inputs, [n, out, rows, cols], exp + (1 if residual else 0), signed, **more)


def table():
    return ints(f"t{len(made)}", "i16", rng.integers(low, -low, 257))


e = unit - 4
x = node("quantize", ["x"], [1, 6, 13, 12], e)
a = conv(x, e, 8, 3, unit + 1, signed=False, pad=1)
b = conv(a, unit + 1, 8, 3, unit + 3, pad=1, group=4, terms=2)
d = conv(a, unit + 1, 8, 1, unit + 2, residual=b)
s = node("qadd", [a, b], made[a], unit + 3, lo=low + 3, hi=-low - 9)
m = node("qmul", [a, d], made[a], 2 * unit + 4 + bits - 2)
g = node("qavgpool", [a], [1, 8, 1, 1], unit + 1, kernel_shape=[13, 12], mult=[27], shift=12)
f = node("qmul", [b, g], made[b], 2 * unit + 3 + bits - 1)
p = node("qmaxpool", [s], [1, 8, 7, 6], unit + 3, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 0, 0], ceil_mode=1)
v = node("qavgpool", [a], made[a], unit + 1, False, kernel_shape=[3, 3], pads=[1, 1, 1, 1],
         mult=[9000 // ((i // 3 + 1) * (i % 3 + 1)) for i in range(9)], shift=13)
c = node("qscale", [v] + [ints("scale.m", "i16", rng.integers(-300, 300, 8)), ints("scale.b", "i32", rng.integers(-4000, 4000, 8) << (bits - 8)),
                          ints("scale.s", "i32", rng.integers(6, 11, 8))], made[v], unit + 2)
l = node("qlut", [c, table()], made[c], unit, False)
u = node("qprelu", [b] + [ints("prelu.m", "i16", rng.integers(-32768, 32768, 8)), ints("prelu.s", "i32", rng.integers(12, 20, 8))],
         made[b], unit + 1, lo=low + 2)
z = node("qlut", [l, table()], made[c], unit)
half = node("qcopy", [z], [1, 8, 7, 6], unit + 2, step=[2, 2])
twice = node("qcopy", [half], [1, 8, 14, 18], unit + 1, repeat=[2, 3], lo=low, hi=-low // 2)
same = node("qcopy", [p], [1, 8, 7, 6], unit + 2)
j = node("qconcat", [half, same], [1, 16, 7, 6], unit + 2)
w = node("qinterleave", [half, same, same, half], [1, 8, 14, 12], unit + 2, step=[2, 2])
y = j, w, twice, m, f, u
outs = []
for name in y:
    exp = next(l.split("exp=")[1].split(",")[0] for l in lines if l.startswith(f"%{name}:"))
    shape = "x".join(map(str, made[name]))
    lines.append(f"%{name}.y: f32[{shape}] = dequantize(%{name})")
    outs.append(f"%{name}.y")
rows = (pathlib.Path(__file__).resolve().parents[3] / "ir/base/ops/ops.def").read_text()
known = set(re.findall(r'^IR_OP\((\w+), *"\w+", *"", [-0-9,\s]*"[^"]*"(?:\s*"[^"]*")*,\s*QUANT', rows, re.M))
forgotten = known - set(re.findall(r" = (\w+)\(", "\n".join(lines)))
assert len(known) >= 12 and not forgotten, f"operators of the table that are not here: {forgotten}; known: {known}"
print('graph "quantized" {\n  input %x: f32[1x6x13x12]')
print("\n".join(f"  {line}" for line in consts + lines) + f"\n  return {', '.join(outs)}\n}}")
