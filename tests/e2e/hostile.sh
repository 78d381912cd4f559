#!/usr/bin/env bash
# Models made to exhaust memory are refused with a message, within 256 MB: nested messages, and 8 to 10 MB of empty ones.
. tests/e2e/lib/common.sh
[ -r /proc/self/status ] && grep -q RssAnon /proc/self/status || skip "no RssAnon in /proc"
"$programs/peak" true >/dev/null || skip "no ptrace"
check() { # name: the model is $tmp/name.onnx
  local bytes code=0
  bytes=$("$programs/peak" "$bin/nbqc" "$tmp/$1.onnx" -o "$tmp/$1.svpe" 2>"$tmp/log") || code=$?
  [ "$code" = 1 ] || { cat "$tmp/log" && fail "$1: exit code $code, expected 1"; }
  grep -q '^nbqc: error: ' "$tmp/log" || fail "$1: no message"
  [ ! -e "$tmp/$1.svpe" ] || fail "$1: a program"
  size=$(wc -c <"$tmp/$1.onnx")
  [ "$bytes" -le 268435456 ] || fail "$1: $bytes bytes of memory for a file of $size"
  echo "$1: $((bytes >> 20)) MB for a file of $size bytes: $(sed -n '/error:/{s/.*\.onnx: //p;q}' "$tmp/log")"
}
inputs=tests/lit/frontend/Inputs
sh $inputs/nested.sh 3000 >"$tmp/nested.onnx"
check nested
# Fields of GraphProto that hold messages: node, initializer, input, output, value_info, sparse_initializer
python3 - "$tmp" <<'EOF'
import sys

def varint(n):
    out = b""
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])

def graph(name, fields):
    with open(f"{sys.argv[1]}/{name}.onnx", "wb") as f:
        f.write(b"\x08\x08\x42\x02\x10\x0d\x3a" + varint(len(fields)) + fields)

for name, number in (("node", 1), ("initializer", 5), ("input", 11), ("output", 12), ("value_info", 13), ("sparse", 15)):
    key = varint(number << 3 | 2) + b"\0"
    graph(name + "s", key * (8 * 10**6 // len(key)))
    graph("few_" + name + "s", key * 250000)
graph("millions", b"\x0a\0" * 5 * 10**6)
EOF
for name in nodes initializers inputs outputs value_infos sparses; do
  check $name
  check few_$name
done
check millions
