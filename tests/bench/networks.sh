#!/usr/bin/env bash
# Compiles well-known networks at full size: time, peak memory, bytes of the program, segments and operators of the host. Models
# come from tests/models/networks.py and are kept in a folder between runs. Exit code 1 when a bar is missed: ResNet-50 in 2 s and
# 2.5 times its float weights, VGG-19 in 60 s and 8 GiB.
#   tests/bench/networks.sh [NAME…]      default: all
#   BIN        folder of nbqc (build/release/bin)
#   PROGRAMS   folder of peak (build/release/tests)
#   NBQ_VENV   Python environment with onnx, onnxruntime, numpy
#   MODELS     where the models are kept (build/networks)
set -eu
cd "$(dirname "$0")/../.."
bin=${BIN:-build/release/bin}
programs=${PROGRAMS:-build/release/tests}
python=${NBQ_VENV:-$HOME/.cache/nbq-venv}/bin/python
models=${MODELS:-build/networks}
mkdir -p "$models"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
# shellcheck disable=SC2046  # words
[ $# -gt 0 ] || set -- $("$python" tests/models/networks.py --list | awk 'NR > 1 {print $1}')
floor=$("$programs/peak" "$bin/nbqc" --version 2>/dev/null)
missed=0
bar() { # what, found, most
  awk "BEGIN {exit !($2 > $3)}" || return 0
  echo "  $1: $2, at most $3 wanted"
  missed=1
}
printf '%-20s %12s %8s %8s %12s %6s %14s %9s %5s\n' network "model bytes" seconds "of CPU" "peak bytes" times "program bytes" segments host
for name in "$@"; do
  model=$models/$name.onnx
  [ -e "$model" ] || "$python" tests/models/networks.py "$name" -o "$model" >/dev/null
  compile="$bin/nbqc $model -o $tmp/p.svpe --mean=0.5 --std=0.25"
  /usr/bin/time -o "$tmp/time" -f '%e %U %S' $compile 2>"$tmp/err" || { grep -m 1 error "$tmp/err"; missed=1; continue; }
  $bin/nbqc "$model" --emit=report-json --mean=0.5 --std=0.25 >"$tmp/report" 2>/dev/null
  read -r seconds user system <<<"$(tail -n 1 "$tmp/time")"
  size=$(stat -c %s "$model")
  peak=$(($("$programs/peak" $compile 2>/dev/null) - floor))
  places=$(python3 -c 'import json, sys; t = json.load(open(sys.argv[1]))["totals"]; print(t["device_segments"], len(t["host_operators"]))' "$tmp/report")
  times=$(awk "BEGIN {printf \"%.2f\", $peak / $size}")
  # shellcheck disable=SC2086  # two numbers
  printf '%-20s %12s %8s %8s %12s %6s %14s %9s %5s\n' "$name" "$size" "$seconds" "$(awk "BEGIN {print $user + $system}")" $peak "$times" "$(stat -c %s "$tmp/p.svpe")" $places
  case $name in
    resnet50) bar seconds "$seconds" 2 && bar "times the weights" "$times" 2.5 ;;
    vgg19) bar seconds "$seconds" 60 && bar bytes $peak $((8 << 30)) ;;
  esac
done
echo "without --calib; memory above that of nbqc --version, without the mapped model"
exit $missed
