#!/usr/bin/env bash
# ONNX's own backend test cases: import and float evaluator must give the outputs that ONNX expects. Prints the table by operator.
# Every case passes or is on the list of exemptions; of plain types (float32, int8, uint8, int32, int64, bool) in tiers A and B
# only what draws random numbers is.
. tests/e2e/lib/common.sh
cases=$data/onnx-backend-tests
folders="$cases/node $cases/simple $cases/pytorch-converted $cases/pytorch-operator"
# shellcheck disable=SC2086
need_files $folders "$cases/light"
code=0
# shellcheck disable=SC2086
"$programs/onnx_cases" --exempt=tests/onnx/exempt.txt $folders >"$tmp/out" || code=$?
cat "$tmp/out"
[ "$code" = 0 ] || fail "exit code $code"
passed() { sed -n "s/^$1: \([0-9]*\) passed.*/\1/p" "$tmp/out"; }
at_least "cases of tiers A and B, of plain types" "$(passed 'tier A and B, plain types')" 478
at_least "cases of tiers A and B" "$(passed 'tier A and B')" 645
at_least "cases" "$(passed all)" 1018
# Whole networks with constant weights, up to 144 M of them, from an input of element i / count.
"$programs/onnx_cases" --light "$cases/light"
