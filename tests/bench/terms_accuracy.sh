#!/usr/bin/env bash
# What rounding costs, for docs/quantization.md: top-1 and agreement with float in percent, the whole program on the
# emulator. ResNet-20 at n = 2 … 5, one and two terms, both roundings, on the 1,017 lossless images; then W4 in two terms
# on the 10,000 JPEG ones beside float, with the bars of tests/e2e/terms_accuracy.sh. An hour on two busy cores; arguments
# choose: `lossless`, `jpeg`.
. tests/e2e/lib/common.sh
need_files "$resnet20" "$data/cifar10-test-lossless-1017.bin" "$data/cifar10-test-jpeg75.bin"
lossless=$data/cifar10-test-lossless-1017.bin
jpeg=$data/cifar10-test-jpeg75.bin

quantized() { # file of images, options of nbqc…: top-1 and agreement
  local images=$1
  shift
  $bin/nbqc "$model" -o "$tmp/p.svpe" $preprocess $calib --calib-count=512 "$@" 2>/dev/null
  $bin/nbq-run "$tmp/p.svpe" --data=cifar10:$images --against="$model" --json >"$tmp/q.json"
  printf '%s | %s' "$(json "$tmp/q.json" top1)" "$(json "$tmp/q.json" agree)"
}
float() { # file of images
  $bin/nbq-run --reference="$model" $preprocess --data=cifar10:$1 --json >"$tmp/f.json"
  json "$tmp/f.json" top1
}

if [ "${1:-lossless}" = lossless ]; then
  network resnet20-cifar10
  echo "| n | terms | nearest-mse | agree | output-mse | agree |"
  echo "|---|---|---|---|---|---|"
  for n in 2 3 4 5; do
    target=zcu102
    [ $n = 5 ] && target=tiny
    for terms in 1 2; do
      printf '| %s | %s' $n $terms
      for rounding in nearest-mse output-mse; do
        printf ' | %s' "$(quantized "$lossless" --target=$target --bits=$n --terms=$terms --rounding=$rounding)"
      done
      echo " |"
    done
  done
fi
if [ "${1:-jpeg}" = jpeg ]; then
  echo "| network | float | nearest-mse | agree | output-mse | agree |"
  echo "|---|---|---|---|---|---|"
  for name in resnet8-cifar10-mlperf resnet20-cifar10 resnet56-cifar10; do
    network $name
    printf '| %s | %s' $name "$(float "$jpeg")"
    for rounding in nearest-mse output-mse; do
      printf ' | %s' "$(quantized "$jpeg" --bits=4 --terms=2 --rounding=$rounding)"
    done
    echo " |"
  done
fi
