#!/usr/bin/env bash
# Emulator = oracle, bit for bit: two networks on every target that takes them, 64 images; networks with concatenations,
# depthwise convolutions and uneven padding on some, random images.
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

random() { # model, preprocessing, options of nbqc…
  local model=$1 pre=$2
  shift 2
  [ -e "$models/$model.onnx" ] || skip "no $model.onnx"
  $bin/nbqc "$models/$model.onnx" -o "$tmp/p.svpe" $pre "$@" 2>"$tmp/err" || fail "$model $*: $(cat "$tmp/err")"
  $bin/nbqc "$models/$model.onnx" -o "$tmp/p.nir" --emit=ir --print-data $pre "$@" 2>/dev/null
  printf '%s %s: ' "$model" "$*"
  $programs/oracle --count=2 $pre "$tmp/p.svpe" "$tmp/p.nir" || fail "$model $*"
}
byte="--scale=0.00784313725490196 --mean=1,1,1"
for target in zcu102 tiny vta zcu102-a16 zcu102-vpe; do
  random squeezenet1.0-dc "--bgr --scale=1 --mean=104,117,123" --target=$target
done
for target in zcu102 tiny; do
  random mobilenet_v1_0.25_128 "$byte" --target=$target
  random mobilenet_v2_1.0_224 "$byte" --target=$target
  random resnet8-cifar10-mlperf --scale=1 --target=$target
done
