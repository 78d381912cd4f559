"""Calibration data for an input of integers: integers.py FOLDER."""
import pathlib
import struct
import sys

folder = pathlib.Path(sys.argv[1])


def idx(name, count, height, width, top):
    pixels = bytes(i * 7 % (top + 1) for i in range(count * height * width - 1)) + bytes([top])
    (folder / name).write_bytes(struct.pack(">HBBIII", 0, 8, 3, count, height, width) + pixels)


idx("images.idx", 3, 6, 5, 60)
idx("small.idx", 2, 5, 6, 60)
head = "{'descr': '<i8', 'fortran_order': False, 'shape': (2, 6, 5, 1), }".ljust(117) + "\n"
values = [i * 5 % 4 for i in range(60)]
(folder / "i64.npy").write_bytes(
    b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + struct.pack("<60q", *values)
)
