"""wide.py FOLDER: x.npy, 200,000 floats of which two each are equal, and best.txt, the five lines for the smallest."""
import struct, sys

count = 200000
x = [i * 7919 % count // 2 for i in range(count)]
header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': (1, {count}), }}".ljust(117) + "\n"
with open(sys.argv[1] + "/x.npy", "wb") as f:
    f.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode())
    f.write(struct.pack(f"<{count}f", *x))
with open(sys.argv[1] + "/best.txt", "w") as f:
    for place, i in enumerate(sorted(range(count), key=lambda i: x[i])[:5]):
        f.write(f"  {place + 1}. class {i}: {'-0' if x[i] == 0 else -x[i]}\n")
