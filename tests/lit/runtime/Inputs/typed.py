"""Arrays of other types than float: typed.py FOLDER."""
import pathlib
import struct
import sys

folder = pathlib.Path(sys.argv[1])


def npy(name, descr, form, dims, values):
    shape = "".join(f"{d}, " for d in dims)[: -1 if len(dims) == 1 else -2] if dims else ""
    # As numpy and nbq-run write it, padded so that the data begin at a multiple of 64.
    head = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}"
    head += " " * (-(10 + len(head) + 1) % 64) + "\n"
    data = b"".join(struct.pack(form, v) for v in values)
    (folder / name).write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + data)


def pb(name, kind, form, dims, values):
    raw = b"".join(struct.pack(form, v) for v in values)
    fields = b"".join(bytes([8, d]) for d in dims) + bytes([16, kind]) + bytes([0x4A, len(raw)]) + raw
    (folder / name).write_bytes(fields)


npy("rows.npy", "<i8", "<q", [3], [3, 0, -1])
npy("twice.npy", "<i8", "<q", [3], [6, 0, -2])
npy("far.npy", "<i8", "<q", [3], [3, 0, -9007199254740993])
npy("short.npy", "<i4", "<i", [3], [3, 0, -1])
npy("flags.npy", "|b1", "<B", [2, 2], [1, 0, 0, 1])
pb("rows.pb", 7, "<q", [3], [3, 0, -1])
pb("flags.pb", 9, "<B", [2, 2], [1, 0, 0, 1])
