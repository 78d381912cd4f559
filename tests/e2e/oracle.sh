#!/usr/bin/env bash
# Emulator = oracle, bit for bit: both networks on every target that takes them, 64 images.
. tests/e2e/lib/common.sh
need_files "$resnet20" "$mnist" "$data/cifar10-test-lossless-1017.bin" "$data/t10k-images-idx3-ubyte"
count=${ORACLE_COUNT:-64}
one() { # name, model, data, preprocessing, options of nbqc…
  local name=$1 model=$2 set=$3 pre=$4
  shift 4
  $bin/nbqc "$model" -o "$tmp/p.svpe" $pre "$@"
  $bin/nbqc "$model" -o "$tmp/p.nir" --emit=ir --print-data $pre "$@"
  printf '%s %s: ' "$name" "$*"
  $programs/oracle --data=$set --count=$count $pre "$tmp/p.svpe" "$tmp/p.nir" || fail "$name $*"
}
both() {
  one resnet20 "$resnet20" cifar10:$data/cifar10-test-lossless-1017.bin "$cifar" --calib=cifar10:$data/cifar10-train-lossless-8068.bin --calib-count=16 "$@"
  one mnist "$mnist" idx:$data/t10k-images-idx3-ubyte --scale=1 --calib=idx:$data/train-images-idx3-ubyte --calib-count=16 "$@"
}
both --target=zcu102 --bits=4
both --target=zcu102 --bits=1
both --target=zcu102 --bits=2
both --target=zcu102-n3 --bits=3
both --target=zcu102-a16 --bits=3 --act-bits=16
both --target=zcu102-paper --bits=5
both --target=zcu102-vpe --bits=16
both --target=zcu102-vpe-full --bits=16
both --target=zcu102-vpe-int8 --bits=8
both --target=vta --bits=4
both --target=tiny --bits=5
both --target=tiny --bits=4 --act-bits=16
