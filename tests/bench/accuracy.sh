#!/usr/bin/env bash
# accuracy.sh [NETWORK…]: what 4-bit weights cost each of the real networks (default: all nine), for README.md and
# docs/quantization.md: top-1 of the float model, then top-1 of the program on the emulator and how often it agrees with
# float, with weights of one and of two terms. 64 calibration images; of the ImageNet samples, which are few, these are
# among the test images (rounding looks at none, exponents at ranges only).
#   IMAGES=N    at most so many test images (default: all, 30 minutes on two cores)
. tests/e2e/lib/common.sh

count=${IMAGES:+--count=$IMAGES}
[ $# -gt 0 ] || set -- $networks
echo "| network | images | float | 4 bits | agree | two terms | agree |"
echo "|---|---|---|---|---|---|---|"
for name; do
  network "$name"
  case $name in
    mnist*) test_data="$test_data,$data/t10k-labels-idx1-ubyte" label= ;;
    mobilenet*) label=--label-offset=1 ;;
    *) label= ;;
  esac
  $bin/nbq-run --reference "$model" $test_data $count $label $preprocess --json >"$tmp/f.json"
  printf '| %s | %s | %s' "$name" "$(json "$tmp/f.json" images)" "$(json "$tmp/f.json" top1)"
  for terms in 1 2; do
    $bin/nbqc "$model" -o "$tmp/p.svpe" $preprocess $calib --calib-count=64 --bits=4 --terms=$terms 2>"$tmp/err" ||
      fail "$name: $(cat "$tmp/err")"
    $bin/nbq-run "$tmp/p.svpe" $test_data $count $label --against="$model" --json >"$tmp/q.json"
    printf ' | %s | %s' "$(json "$tmp/q.json" top1)" "$(json "$tmp/q.json" agree)"
  done
  echo " |"
done
