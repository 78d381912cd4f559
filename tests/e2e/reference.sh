#!/usr/bin/env bash
# nbq-run --reference against ONNX Runtime in float: all nine networks, 16 images, 4 of the large ones; every output within
# 1e-4 of the largest output's magnitude.
. tests/e2e/lib/common.sh
need_files "$data/cifar10-test-lossless-1017.bin" "$data/t10k-images-idx3-ubyte"
need_oracle
for name in $networks; do
  network "$name"
  case $input in
    28) images=$data/t10k-images-idx3-ubyte count=16 ;;
    32) images=$data/cifar10-test-lossless-1017.bin count=16 ;;
    *) images=$data/cifar10-test-lossless-1017.bin count=4 ;;
  esac
  "$python" tests/e2e/lib/reference.py $bin/nbq-run "$model" "$images" "$tmp" --count=$count $preprocess || fail "$name"
done
