#!/usr/bin/env bash
# How long things take on this machine: ResNet-20 in the emulator on one thread, without and with --check; nbqc without
# calibration data; the dumps of all passes; MobileNetV2 compiled, and in float where there are images. Each figure is
# min / median / max of RUNS runs, the runs interleaved.
. tests/e2e/lib/common.sh
runs=${RUNS:-7}
count=${COUNT:-100}
need_files "$resnet20" "$data/cifar10-test-lossless-1017.bin"
mobile=$models/mobilenet_v2_1.0_224.onnx
set_="--data=cifar10:$data/cifar10-test-lossless-1017.bin --count=$count -j 1 --json"
$bin/nbqc "$resnet20" -o "$tmp/r.svpe" $cifar 2>/dev/null

now() { date +%s.%N; }
timed() { # file, command…: appends the wall seconds
  local file=$1 from
  shift
  from=$(now)
  "$@" >/dev/null 2>&1
  python3 -c "print($(now) - $from)" >>"$file"
}
for _ in $(seq "$runs"); do
  $bin/nbq-run "$tmp/r.svpe" $set_ >"$tmp/j" && json "$tmp/j" seconds >>"$tmp/plain"
  timed "$tmp/check1" $bin/nbq-run "$tmp/r.svpe" --data=cifar10:$data/cifar10-test-lossless-1017.bin --count=1 -j 1 --check
  timed "$tmp/plain1" $bin/nbq-run "$tmp/r.svpe" --data=cifar10:$data/cifar10-test-lossless-1017.bin --count=1 -j 1
  timed "$tmp/compile" $bin/nbqc "$resnet20" -o "$tmp/x.svpe" $cifar
  timed "$tmp/dumps" $bin/nbqc "$resnet20" -o "$tmp/x.svpe" $cifar --print-after-all
  [ -f "$mobile" ] || continue
  timed "$tmp/mobile" $bin/nbqc "$mobile" -o "$tmp/x.svpe" --mean=0.5,0.5,0.5 --std=0.5,0.5,0.5
  [ -d "$data/imagenet1000-224" ] || continue
  $bin/nbq-run --reference "$mobile" --data=folder:"$data/imagenet1000-224" --count=20 -j 1 --mean=0.5,0.5,0.5 \
    --std=0.5,0.5,0.5 --json >"$tmp/j" && json "$tmp/j" seconds >>"$tmp/float"
done
report() { # file, what, factor to milliseconds
  python3 - "$1" "$2" "$3" <<'P'
import statistics, sys
v = sorted(float(x) * float(sys.argv[3]) for x in open(sys.argv[1]))
print(f"{sys.argv[2]:<58} {v[0]:8.2f} {statistics.median(v):8.2f} {v[-1]:8.2f} ms")
P
}
printf '%-58s %8s %8s %8s\n' "" min median max
report "$tmp/plain" "ResNet-20, emulator, one thread, per image of $count" "$(python3 -c "print(1000 / $count)")"
report "$tmp/plain1" "nbq-run, load and one image" 1000
report "$tmp/check1" "nbq-run --check, load, happens-before and one image" 1000
report "$tmp/compile" "nbqc without --calib" 1000
report "$tmp/dumps" "nbqc --print-after-all" 1000
[ ! -f "$tmp/mobile" ] || report "$tmp/mobile" "nbqc without --calib, MobileNetV2" 1000
[ ! -f "$tmp/float" ] || report "$tmp/float" "MobileNetV2 in float, one thread, per image of 20" 50
