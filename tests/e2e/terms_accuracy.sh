#!/usr/bin/env bash
# 4-bit weights of two terms, calibrated with 512 lossless images: top-1 on the first JPEG test images, and how far below
# float it may fall. All 10,000: tests/bench/terms_accuracy.sh.
. tests/e2e/lib/common.sh
jpeg=$data/cifar10-test-jpeg75.bin
need_files "$jpeg"
check() { # network, images, points below float at most
  network "$1"
  $bin/nbqc "$model" -o "$tmp/p.svpe" --bits=4 --terms=2 $preprocess $calib --calib-count=512
  $bin/nbq-run "$tmp/p.svpe" --data=cifar10:$jpeg --count=$2 --json >"$tmp/q.json"
  $bin/nbq-run --reference="$model" $preprocess --data=cifar10:$jpeg --count=$2 --json >"$tmp/f.json"
  within "$1 on $2 images" "$(json "$tmp/q.json" top1)" "$(json "$tmp/f.json" top1)" $3
}
check resnet8-cifar10-mlperf 2000 1.0
check resnet20-cifar10 2000 0.6
check resnet56-cifar10 500 1.2 # three images make 0.6 points
