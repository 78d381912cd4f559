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
within() { # what, found, of, points below that at most
  at_least "$1 against $3 in float" "$2" "$(python3 -c 'import sys; print(round(float(sys.argv[1]) - float(sys.argv[2]), 2))' "$3" "$4")"
}
cifar="--mean=0.485,0.456,0.406 --std=0.229,0.224,0.225"
resnet20=$models/resnet20-cifar10.onnx
mnist=$models/mnist-cntk-8.onnx
cifar_calib="--calib=cifar10:$data/cifar10-train-lossless-8068.bin --calib-count=512 $cifar"
mnist_calib="--calib=idx:$data/train-images-idx3-ubyte --calib-count=512 --scale=1"

# The nine real networks. `network NAME` sets model (its file), input (its size), preprocess, and real images that go with
# it: calib (an option) and test_data (an option).
networks="mnist-cntk-8 resnet8-cifar10-mlperf resnet20-cifar10 resnet32-cifar10 resnet56-cifar10 mobilenet_v1_0.25_128 mobilenet_v1_0.5_160 squeezenet1.0-dc mobilenet_v2_1.0_224"
network() {
  model=$models/$1.onnx
  need_files "$model"
  case $1 in
    mnist*) input=28 preprocess="--scale=1" ;;
    resnet8*) input=32 preprocess="--scale=1" ;;
    resnet*) input=32 preprocess=$cifar ;;
    squeezenet*) input=227 preprocess="--bgr --scale=1 --mean=104,117,123" ;;
    mobilenet*) input=${1##*_} preprocess="--scale=0.00784313725490196 --mean=1,1,1" ;;
    *) fail "no network $1" ;;
  esac
  case $input in
    28) test_data=--data=idx:$data/t10k-images-idx3-ubyte calib=--calib=idx:$data/train-images-idx3-ubyte ;;
    32) test_data=--data=cifar10:$data/cifar10-test-lossless-1017.bin calib=--calib=cifar10:$data/cifar10-train-lossless-8068.bin ;;
    *)
      need_files "$data/imagenet1000-224"
      preprocess="$preprocess --resize=$input --crop=$input"
      test_data=--data=folder:$data/imagenet1000-224 calib=--calib=folder:$data/imagenet1000-224
      ;;
  esac
}

last_pass() { # the one behind which the graph is what the program is made of
  $bin/nbqc --list-passes | sed '/^$/q; 1d' | sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p' | tail -n 1
}
