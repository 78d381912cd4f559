#!/usr/bin/env bash
# Every token of mnist on the smallest target and 200 drawn ones of ResNet-20: none redundant, each absence noticed.
. tests/e2e/lib/common.sh
need_files "$resnet20" "$mnist"
$bin/nbqc "$mnist" -o "$tmp/m.svpe" --target=tiny --scale=1
$bin/nbqc "$resnet20" -o "$tmp/r.svpe" $cifar
$bin/nbqc "$resnet20" -o "$tmp/t.svpe" --target=tiny $cifar
$programs/tokens "$tmp/m.svpe"
$programs/tokens "$tmp/r.svpe" 200 7
$programs/tokens "$tmp/t.svpe" 20 7
