"""array.py OUT DIMS VALUE…: float32 values, repeated to fill DIMS (like 1x10), as a .npy or a TensorProto (.pb)."""
import itertools
import math
import struct
import sys

out, dims, values = sys.argv[1], [int(d) for d in sys.argv[2].split("x")], [float(v) for v in sys.argv[3:]]
count = math.prod(dims)
data = struct.pack(f"<{count}f", *itertools.islice(itertools.cycle(values), count))


def varint(n):
    return bytes([n]) if n < 128 else bytes([n & 127 | 128]) + varint(n >> 7)


if out.endswith(".pb"):
    head = b"".join(b"\x08" + varint(d) for d in dims) + b"\x10\x01\x4a" + varint(len(data))
else:
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({', '.join(map(str, dims))},), }}\n".encode()
    head = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text
open(out, "wb").write(head + data)
