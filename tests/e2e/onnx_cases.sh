#!/usr/bin/env bash
# ONNX's own backend test cases: what the importer takes must give the outputs that ONNX expects. Prints the table by operator.
. tests/e2e/lib/common.sh
cases=$data/onnx-backend-tests
folders="$cases/node $cases/simple $cases/pytorch-converted $cases/pytorch-operator"
# shellcheck disable=SC2086
need_files $folders "$cases/light"
code=0
# shellcheck disable=SC2086
"$programs/onnx_cases" --exempt=tests/onnx/exempt.txt $folders >"$tmp/out" || code=$?
grep -v '^refused' "$tmp/out"
[ "$code" -le 1 ] || fail "exit code $code"
! grep -E '^(failed|passes|no case)' "$tmp/out" || fail "cases give other numbers, or the list of exemptions is wrong"
passed() { sed -n "s/^$1: \([0-9]*\) passed.*/\1/p" "$tmp/out"; }
at_least "cases of tiers A and B, of plain types" "$(passed 'tier A and B, plain types')" 478
at_least "cases of tiers A and B" "$(passed 'tier A and B')" 645
at_least "cases" "$(passed all)" 1018
# Whole networks with constant weights, from an input of element i / count: 0.5 MB to 144 M weights.
"$programs/onnx_cases" --light "$cases/light" >"$tmp/out" || true
! grep -E '^failed' "$tmp/out" || fail "networks give other numbers"
at_least "light networks" "$(passed all)" 6
