#!/usr/bin/env bash
# nbq-run --reference against ONNX Runtime in float: both networks, 16 images, 1e-4 relative.
. tests/e2e/lib/common.sh
need_files "$resnet20" "$mnist" "$data/cifar10-test-lossless-1017.bin" "$data/t10k-images-idx3-ubyte"
need_oracle
"$python" tests/e2e/lib/reference.py $bin/nbq-run "$resnet20" "$mnist" "$data" "$tmp"
