#!/usr/bin/env bash
# ONNX's own backend test cases: what the importer takes must give the outputs that ONNX expects. Prints the table by operator.
. tests/e2e/lib/common.sh
cases=$data/onnx-backend-tests
folders="$cases/node $cases/simple $cases/pytorch-converted $cases/pytorch-operator"
# shellcheck disable=SC2086
need_files $folders
# shellcheck disable=SC2086
"$programs/onnx_cases" $folders >"$tmp/out" || true
grep -v '^refused' "$tmp/out"
! grep -q '^failed' "$tmp/out" || fail "cases give other numbers"
passed() { sed -n "s/^$1: \([0-9]*\) passed.*/\1/p" "$tmp/out"; }
at_least "cases of tiers A and B, of plain types" "$(passed 'tier A and B, plain types')" 457
at_least "cases of tiers A and B" "$(passed 'tier A and B')" 587
at_least "cases" "$(passed all)" 906
