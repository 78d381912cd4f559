#!/usr/bin/env bash
# Memory runs out at every allocation in turn, under the address and leak sanitizers.
. tests/e2e/lib/common.sh
command -v protoc >/dev/null || skip "no protoc"
python3 tests/models/operators.py >"$tmp/operators.textproto"
# Every operator of the table is in the network: a new one cannot stay out of this test.
$bin/nbqc --supported-ops | sed -n 's/^| *\([A-Z][A-Za-z]*\) .*/\1/p' | sort -u >"$tmp/table"
sed -n 's/.*op_type: "\([A-Za-z]*\)".*/\1/p' "$tmp/operators.textproto" | sort -u >"$tmp/used"
missing=$(comm -23 "$tmp/table" "$tmp/used" || true)
[ -z "$missing" ] || fail "tests/models/operators.py does not use: $missing"
sh tests/lit/encode.sh "$tmp/operators.textproto" "$tmp/operators.onnx"
build/dev/tests/faults "$tmp/operators.onnx"
build/dev/tests/faults examples/shapes.onnx 3
