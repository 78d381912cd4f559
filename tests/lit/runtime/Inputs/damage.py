"""damage.py IN OUT OFFSET: one byte of the file changed, or, without OFFSET, the last byte cut off."""
import sys

data = bytearray(open(sys.argv[1], "rb").read())
if len(sys.argv) > 3:
    data[int(sys.argv[3]) % len(data)] ^= 0x40
else:
    del data[-1]
open(sys.argv[2], "wb").write(data)
