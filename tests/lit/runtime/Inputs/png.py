"""png.py FILE CHANNELS HEIGHT WIDTH SEED: a PNG of random pixels, smooth enough to survive resizing."""
import random
import struct
import sys
import zlib

path, channels, height, width, seed = sys.argv[1], *map(int, sys.argv[2:])
rng = random.Random(seed)
ramp = [(rng.randrange(200), rng.uniform(-0.9, 0.9), rng.uniform(-0.9, 0.9)) for _ in range(channels)]
rows = b"".join(
    b"\0" + bytes(int(a + b * y + c * x) % 256 for x in range(width) for a, b, c in ramp) for y in range(height)
)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


with open(path, "wb") as f:
    head = struct.pack(">IIBBBBB", width, height, 8, 2 if channels == 3 else 0, 0, 0, 0)
    f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
