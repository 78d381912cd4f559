#!/usr/bin/env bash
# The same network written at different opsets gives the same program: the same instructions and weights, to the byte; the
# whole file as well, unless an operator that is newer than an opset is spelled out there by nodes of other names.
. tests/e2e/lib/common.sh
need_oracle
made() { # program: all that runs, by the sections' checksums
  "$bin/nbq-objdump" -h "$1" | awk '$1 ~ /^(target|segments|tables|params|weights|code|hostdata)$/ {print $1, $3, $4}'
}
compare() { # network, opsets…, and options of the generator from the first that begins with -
  local name=$1 first="" opset
  shift
  local opsets=()
  while [ $# -gt 0 ] && [ "${1#-}" = "$1" ]; do opsets+=("$1") && shift; done
  for opset in "${opsets[@]}"; do
    "$python" tests/models/networks.py "$name" -o "$tmp/$name.onnx" --opset="$opset" --seed=7 "$@" >/dev/null
    "$bin/nbqc" "$tmp/$name.onnx" -o "$tmp/$opset.svpe" 2>"$tmp/$opset.log" ||
      { cat "$tmp/$opset.log" && fail "$name at opset $opset"; }
    first=${first:-$opset}
    cmp -s "$tmp/$first.svpe" "$tmp/$opset.svpe" && continue
    made "$tmp/$first.svpe" >"$tmp/a" && made "$tmp/$opset.svpe" >"$tmp/b"
    grep -q '^code' "$tmp/a" || fail "nbq-objdump names no code"
    diff "$tmp/a" "$tmp/b" || fail "$name: opsets $first and $opset give different programs"
  done
  echo "$name: opsets ${opsets[*]} give one program"
}
compare resnet18 7 9 11 13 17 21 --size=32 --width=0.25
compare mobilenet_v2 7 13 21 --size=32 --width=0.25
compare mobilenet_v3_small 7 11 13 17 21 --size=32 --width=0.25
compare shufflenet_v2 7 9 13 18 21 --size=32 --width=0.25
compare unet_nearest 7 9 10 11 13 17 21 --size=32 --width=0.25
