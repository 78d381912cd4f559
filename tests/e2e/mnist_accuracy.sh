#!/usr/bin/env bash
# mnist-cntk-8 on the 10,000 MNIST test images, at 4 and 3 bits.
. tests/e2e/lib/common.sh
need_files "$mnist" "$data/t10k-images-idx3-ubyte"
for bar in 4:98.2 3:97.0; do
  $bin/nbqc "$mnist" -o "$tmp/m.svpe" --bits=${bar%:*} $mnist_calib
  $bin/nbq-run "$tmp/m.svpe" --data=idx:$data/t10k-images-idx3-ubyte,$data/t10k-labels-idx1-ubyte --json >"$tmp/m.json"
  at_least "top1 at ${bar%:*} bits" "$(json "$tmp/m.json" top1)" "${bar#*:}"
done
