#!/usr/bin/env bash
# Memory runs out at every allocation in turn, under the address and leak sanitizers.
. tests/e2e/lib/common.sh
command -v protoc >/dev/null || skip "no protoc"
python3 tests/models/operators.py >"$tmp/operators.textproto"
# Every operator of the table that is not the host's alone is in the network: a new one cannot stay out of this test.
$bin/nbqc --supported-ops=json | python3 -c 'import json, sys
for o in json.load(sys.stdin)["operators"]:
    if o["runs_on"] in ("array", "vector unit", "folded"): print(o["operator"])' | sort -u >"$tmp/table"
sed -n 's/.*op_type: "\([A-Za-z]*\)".*/\1/p' "$tmp/operators.textproto" | sort -u >"$tmp/used"
missing=$(comm -23 "$tmp/table" "$tmp/used" || true)
[ -z "$missing" ] || fail "tests/models/operators.py does not use: $missing"
sh tests/lit/encode.sh "$tmp/operators.textproto" "$tmp/operators.onnx"
build/dev/tests/faults "$tmp/operators.onnx"
sh tests/lit/encode.sh tests/e2e/lib/host.textproto "$tmp/host.onnx"
build/dev/tests/faults "$tmp/host.onnx"
build/dev/tests/faults examples/shapes.onnx 3
build/dev/tests/faults examples/shapes.onnx 11 backend/schedules/search.lua
build/dev/tests/data_seeds "$tmp/data"
mkdir -p "$tmp/classes/a" "$tmp/classes/b"
cp "$tmp"/data/*.png "$tmp/classes/a"
cp "$tmp"/data/*.jpg "$tmp/classes/b"
for d in folder:"$tmp/classes" npy:"$tmp/data/floats.npy" npy:"$tmp/data/bytes.npy" \
  idx:"$tmp/data/images.idx,$tmp/data/labels.idx" "$tmp/data/floats.npy" "$tmp/data/bytes.pb"; do
  build/dev/tests/faults --data "$d"
done
for f in colour.png grey.jpg floats.npy floats.pb; do
  head -c 30 "$tmp/data/$f" >"$tmp/cut-$f"
  build/dev/tests/faults --refused "$tmp/cut-$f"
done
