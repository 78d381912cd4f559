#!/usr/bin/env bash
# Printing then parsing any dump gives the same dump: after every pass, with data and without.
. tests/e2e/lib/common.sh
check() { # model, options…
  local model=$1
  shift
  for data_option in "" --print-data; do
    $bin/nbqc "$model" --emit=ir --print-after-all $data_option "$@" -o /dev/null >"$tmp/all.nir" 2>"$tmp/err" || { cat "$tmp/err"; fail "$model"; }
    rm -f "$tmp"/dump.*
    awk -v dir="$tmp" '/^\/\/ after /{n++} n{print > (dir "/dump." n ".nir")}' "$tmp/all.nir"
    [ -f "$tmp/dump.1.nir" ] || fail "no dump"
    for d in "$tmp"/dump.*.nir; do
      $bin/nbqc "$d" --emit=ir --passes= $data_option -o "$tmp/again.nir"
      grep -v '^// after' "$d" | diff -q - "$tmp/again.nir" || fail "$d of $model: $(head -n 1 "$d")"
    done
    echo "$model: $(ls "$tmp"/dump.*.nir | wc -l) dumps $data_option"
  done
}
check examples/shapes.onnx
need_files "$resnet20" "$mnist"
check "$resnet20" $cifar
check "$mnist" --scale=1
