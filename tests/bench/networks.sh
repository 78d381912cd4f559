#!/usr/bin/env bash
# Compiles well-known networks at full size: time, peak memory, bytes of the program. Models come from tests/models/networks.py
# and are kept in a folder between runs.
#   tests/bench/networks.sh [NAME…]      default: those that compile without new operators
#   BIN        folder of nbqc (build/release/bin)
#   NBQ_VENV   Python environment with onnx, onnxruntime, numpy
#   MODELS     where the models are kept (build/networks)
set -eu
cd "$(dirname "$0")/../.."
bin=${BIN:-build/release/bin}
python=${NBQ_VENV:-$HOME/.cache/nbq-venv}/bin/python
models=${MODELS:-build/networks}
mkdir -p "$models"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
[ $# -gt 0 ] || set -- resnet18 resnet50 vgg19 alexnet mobilenet_v1 mobilenet_v2 squeezenet1_1 googlenet
base=$(/usr/bin/time -f %M "$bin/nbqc" --version 2>&1 >/dev/null)
printf '%-20s %12s %10s %12s %14s\n' network "model bytes" seconds "memory KiB" "program bytes"
for name in "$@"; do
  model=$models/$name.onnx
  [ -e "$model" ] || "$python" tests/models/networks.py "$name" -o "$model" >/dev/null
  /usr/bin/time -o "$tmp/time" -f '%e %M' "$bin/nbqc" "$model" -o "$tmp/p.svpe" --mean=0.5 --std=0.25 2>"$tmp/err" ||
    { grep -m 1 error "$tmp/err"; continue; }
  read -r seconds memory <"$tmp/time"
  printf '%-20s %12s %10s %12s %14s\n' "$name" "$(stat -c %s "$model")" "$seconds" $((memory - base)) "$(stat -c %s "$tmp/p.svpe")"
done
echo "without --calib; memory above that of nbqc --version, mapped file included"
