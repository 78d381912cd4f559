#!/usr/bin/env bash
# Memory runs out at every allocation in turn, under the address and leak sanitizers.
. tests/e2e/lib/common.sh
command -v protoc >/dev/null || skip "no protoc"
sh tests/lit/encode.sh tests/e2e/lib/operators.textproto "$tmp/operators.onnx"
build/dev/tests/faults "$tmp/operators.onnx"
build/dev/tests/faults examples/shapes.onnx 3
