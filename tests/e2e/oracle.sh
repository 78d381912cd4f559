#!/usr/bin/env bash
# Emulator = oracle, bit for bit, on real images: nine networks on `zcu102` and `tiny`, with one and two terms, with 8- and
# 16-bit activations. Each is one device segment, softmax aside; every activation varies and less than 5 % of it is
# saturated (oracle.c says what that means). Then two networks on every other target, and random images where there are no
# real ones. ORACLE_COUNT=N compares N images everywhere.
. tests/e2e/lib/common.sh
need_files "$resnet20" "$mnist" "$data/cifar10-test-lossless-1017.bin" "$data/t10k-images-idx3-ubyte"
calibrations=32

# Program and integers: the graph before the residual additions are fused, so that what fusing does is compared as well.
compile() { # model file, options of nbqc…
  $bin/nbqc "$@" -o "$tmp/p.svpe" --print-after=quantize --print-data >"$tmp/p.nir" 2>"$tmp/err" || fail "$* $(cat "$tmp/err")"
}
compare() { # model, what the oracle needs, options of nbqc…
  local name=$1 oracle=$2
  shift 2
  printf '%-22s %-40s ' "$name" "$*"
  $programs/oracle $oracle "$tmp/p.svpe" "$tmp/p.nir" || fail "$name $*"
}
real() { # name, images, options of nbqc…
  local name=$1 count=${ORACLE_COUNT:-$2}
  shift 2
  network "$name"
  compile "$model" $preprocess $calib --calib-count=$calibrations "$@"
  compare "$name" "$test_data --count=$count --saturation=5 $preprocess" "$@"
}
nine() { # options of nbqc…
  for name in $networks; do
    case $name in squeezenet* | mobilenet_v2*) real "$name" 2 "$@" ;; *) real "$name" 16 "$@" ;; esac
  done
}
two() {
  real resnet20-cifar10 64 "$@"
  real mnist-cntk-8 64 "$@"
}
random() { # name, options of nbqc…
  local name=$1
  shift
  network "$name"
  compile "$model" $preprocess "$@"
  compare "$name" "--count=${ORACLE_COUNT:-2} $preprocess" "$@"
}

nine --target=zcu102
nine --target=tiny
nine --target=zcu102 --terms=2
nine --target=tiny --terms=2
nine --target=zcu102-a16 --bits=3
nine --target=tiny --act-bits=16
nine --target=zcu102-a16 --bits=3 --terms=2
nine --target=tiny --act-bits=16 --terms=2

two --target=zcu102 --bits=1
two --target=zcu102 --bits=2
two --target=zcu102-n3 --bits=3
two --target=zcu102-paper --bits=5
two --target=zcu102-vpe --bits=16
two --target=zcu102-vpe-full --bits=16
two --target=zcu102-vpe-int8 --bits=8
two --target=vta --bits=4
two --target=zcu102 --bits=1 --terms=2
two --target=zcu102-n3 --bits=3 --terms=2
two --target=zcu102-paper --bits=5 --terms=2
two --target=tiny --bits=4 --act-bits=16 --terms=2
two --target=tiny --bits=5
random squeezenet1.0-dc --target=vta
random squeezenet1.0-dc --target=zcu102-vpe
