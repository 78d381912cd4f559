#!/usr/bin/env bash
# ONNX's own backend test cases: what the importer takes must give the outputs that ONNX expects.
. tests/e2e/lib/common.sh
cases=$data/onnx-backend-tests
folders="$cases/node $cases/simple $cases/pytorch-converted $cases/pytorch-operator"
# shellcheck disable=SC2086
need_files $folders
code=0
# shellcheck disable=SC2086
"$programs/onnx_cases" $folders >"$tmp/out" || code=$?
cat "$tmp/out"
[ "$code" -le 1 ] || fail "exit code $code" # 1: some cases failed, see below
# Computed in single precision, not rounded to 8 bits of mantissa.
failed=$(grep '^failed' "$tmp/out" | grep -v '/test_cast_FLOAT_to_BFLOAT16:' || true)
[ -z "$failed" ] || fail "$failed"
at_least "cases passed" "$(sed -n 's/^\([0-9]*\) passed.*/\1/p' "$tmp/out")" 270
