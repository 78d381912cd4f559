# Sourced by the end-to-end scripts: where things are, how to skip, how to compare.
set -eu
bin=${BIN:-build/release/bin}
programs=${PROGRAMS:-build/release/tests}
models=${NBQ_MODELS:-../shared/data/models}
data=${NBQ_DATA:-build/data}
python=${NBQ_VENV:-$HOME/.cache/nbq-venv}/bin/python
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

skip() {
  echo "skipped: $*"
  exit 77
}
need_files() {
  for f in "$@"; do [ -e "$f" ] || skip "no $f"; done
}
need_oracle() {
  "$python" -c 'import onnx, onnxruntime, numpy' 2>/dev/null || skip "no Python environment with onnxruntime"
}
fail() {
  echo "failed: $*"
  exit 1
}
# json FILE KEY: a number or list of nbq-run --json
json() {
  python3 -c 'import json, sys; v = json.load(open(sys.argv[1]))[sys.argv[2]]; print(v if not isinstance(v, list) else " ".join(map(str, v)))' "$1" "$2"
}
at_least() { # what, found, bar
  python3 -c 'import sys; sys.exit(not float(sys.argv[1]) >= float(sys.argv[2]))' "$2" "$3" || fail "$1: $2, expected at least $3"
  echo "$1: $2 (at least $3)"
}
cifar="--mean=0.485,0.456,0.406 --std=0.229,0.224,0.225"
resnet20=$models/resnet20-cifar10.onnx
mnist=$models/mnist-cntk-8.onnx
cifar_calib="--calib=cifar10:$data/cifar10-train-lossless-8068.bin --calib-count=512 $cifar"
mnist_calib="--calib=idx:$data/train-images-idx3-ubyte --calib-count=512 --scale=1"
