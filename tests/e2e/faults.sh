#!/usr/bin/env bash
# Memory runs out at every allocation in turn, under the address and leak sanitizers.
. tests/e2e/lib/common.sh
command -v protoc >/dev/null || skip "no protoc"
python3 tests/models/operators.py >"$tmp/operators.textproto"
sh tests/lit/encode.sh "$tmp/operators.textproto" "$tmp/operators.onnx"
build/dev/tests/faults "$tmp/operators.onnx"
build/dev/tests/faults examples/shapes.onnx 3
