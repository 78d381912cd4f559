#!/usr/bin/env bash
# ResNet-20 on CIFAR-10 at 4 bits, one term: the class of real images, in one device segment.
. tests/e2e/lib/common.sh
need_files "$resnet20" "$data/cifar10-test-lossless-1017.bin"
$bin/nbqc "$resnet20" -o "$tmp/r20.svpe" --bits=4 $cifar_calib
$bin/nbq-run "$tmp/r20.svpe" --data=cifar10:$data/cifar10-test-lossless-1017.bin --json >"$tmp/l.json"
$bin/nbq-run "$tmp/r20.svpe" --data=cifar10:$data/cifar10-test-jpeg75.bin --json >"$tmp/j.json"
at_least "top1 on lossless" "$(json "$tmp/l.json" top1)" 88.5
at_least "top1 on jpeg75" "$(json "$tmp/j.json" top1)" 77.5
[ "$(json "$tmp/l.json" segments)" = 1 ] || fail "segments: $(json "$tmp/l.json" segments)"
[ -z "$(json "$tmp/l.json" host_ops)" ] || fail "host operators: $(json "$tmp/l.json" host_ops)"
