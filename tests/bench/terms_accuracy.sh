#!/usr/bin/env bash
# What rounding costs, for docs/quantization.md: top-1 and agreement with float in percent, the whole program on the
# emulator. ResNet-20 at n = 2 … 5, one and two terms, both roundings, on the 1,017 lossless images; then W4 in two terms
# on the 10,000 JPEG ones beside float. There the default rounding may lose so many points and no more, or the exit status
# is 1: 0.6 of ResNet-20 and ResNet-56, 1.0 of ResNet-8. An hour on two busy cores; arguments choose: `lossless`, `jpeg`.
# COUNT=N takes the first N images of each, for a look at the script itself.
. tests/e2e/lib/common.sh
need_files "$resnet20" "$data/cifar10-test-lossless-1017.bin" "$data/cifar10-test-jpeg75.bin"
lossless=$data/cifar10-test-lossless-1017.bin
jpeg=$data/cifar10-test-jpeg75.bin
count=${COUNT:+--count=$COUNT}
default_rounding=output-mse failed=0

quantized() { # file of images, options of nbqc…: top-1 and agreement, also in q.json
  local images=$1
  shift
  rm -f "$tmp/p.svpe" "$tmp/q.json"
  $bin/nbqc "$model" -o "$tmp/p.svpe" $preprocess $calib --calib-count=512 "$@" 2>/dev/null
  $bin/nbq-run "$tmp/p.svpe" --data=cifar10:$images $count --against="$model" --json >"$tmp/q.json"
  printf '%s | %s' "$(json "$tmp/q.json" top1)" "$(json "$tmp/q.json" agree)"
}
float() { # file of images: top-1, also in f.json
  rm -f "$tmp/f.json"
  $bin/nbq-run --reference="$model" $preprocess --data=cifar10:$1 $count --json >"$tmp/f.json"
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
  : >"$tmp/bars"
  for bar in resnet8-cifar10-mlperf:1.0 resnet20-cifar10:0.6 resnet56-cifar10:0.6; do
    network ${bar%:*}
    printf '| %s | %s' ${bar%:*} "$(float "$jpeg")"
    for rounding in nearest-mse output-mse; do
      printf ' | %s' "$(quantized "$jpeg" --bits=4 --terms=2 --rounding=$rounding)"
      [ $rounding != $default_rounding ] ||
        (within ${bar%:*} "$(json "$tmp/q.json" top1)" "$(json "$tmp/f.json" top1)" ${bar#*:}) >>"$tmp/bars" || failed=1
    done
    echo " |"
  done
  echo
  cat "$tmp/bars"
fi
exit $failed
