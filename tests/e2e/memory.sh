#!/usr/bin/env bash
# Compiling MobileNetV2 takes at most four times its weights of anonymous memory, less what nbqc takes to say its version;
# and no more for many images than for few.
. tests/e2e/lib/common.sh
model=$models/mobilenet_v2_1.0_224.onnx images=$data/imagenet1000-224
need_files "$model"
[ -r /proc/self/status ] && grep -q RssAnon /proc/self/status || skip "no RssAnon in /proc"
"$programs/peak" true >/dev/null || skip "no ptrace"

peak() { $programs/peak $bin/nbqc "$@" 2>/dev/null; }
floor=$(peak --version)
weights=$(wc -c <"$model") # all but its 100 nodes
compile() { # what, options…: prints the bytes above the floor
  local what=$1 bytes
  shift
  bytes=$(($(peak "$model" -o "$tmp/m.svpe" --mean=0.5,0.5,0.5 --std=0.5,0.5,0.5 -j 2 "$@") - floor))
  [ -s "$tmp/m.svpe" ] || fail "$what: no program" >&2
  rm "$tmp/m.svpe"
  echo "$what: $bytes bytes, $((100 * bytes / weights)) % of the weights" >&2
  [ "$bytes" -le $((4 * weights)) ] || fail "$what takes $bytes bytes, over four times the weights' $weights" >&2
  echo "$bytes"
}
compile "synthetic inputs" >/dev/null
compile "another target" --target=tiny >/dev/null
compile "two terms" --terms=2 >/dev/null
[ -d "$images" ] || exit 0
few=$(compile "4 images" --calib=folder:"$images" --calib-count=4)
many=$(compile "32 images" --calib=folder:"$images" --calib-count=32)
[ "$many" -le $((few + weights / 8)) ] || fail "32 images take $((many - few)) bytes more than 4"
