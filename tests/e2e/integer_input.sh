#!/usr/bin/env bash
# Networks whose input is an image of bytes or integers, or whose channels come last, as TensorFlow exports them: cast,
# scaling and transpose run on the host, the rest on the device.
. tests/e2e/lib/common.sh
need_oracle
"$python" tests/e2e/lib/integer_input.py make "$tmp"
for name in nhwc-u8 nchw-u8 nhwc-i32 nhwc-f32; do
  model=$tmp/$name.onnx arrays=$tmp/$name.npy
  "$bin/nbqc" "$model" -o "$tmp/synthetic.svpe" 2>"$tmp/log" || { cat "$tmp/log" && fail "$name: synthetic inputs"; }
  grep -q "synthetic inputs" "$tmp/log" || fail "$name: nothing said of synthetic inputs"
  "$bin/nbq-run" "$tmp/synthetic.svpe" --against="$model" --seed=7 --json >"$tmp/once.json"
  "$bin/nbqc" "$model" -o "$tmp/$name.svpe" --terms=2 --calib="npy:$arrays" --calib-count=16 2>"$tmp/log" ||
    { cat "$tmp/log" && fail "$name: arrays"; }
  "$bin/nbq-run" "$tmp/$name.svpe" --check --against="$model" --data="npy:$arrays" --json >"$tmp/all.json"
  [ "$(json "$tmp/all.json" segments)" = 1 ] || fail "$name: device segments: $(json "$tmp/all.json" segments)"
  at_least "$name: same class as in float, %" "$(json "$tmp/all.json" agree)" 90
  "$bin/nbq-run" --reference "$model" --input="$tmp/$name-first.npy" -o "$tmp/reference.npy" >"$tmp/log"
  "$bin/nbq-run" "$tmp/$name.svpe" --input="$tmp/$name-first.npy" -o "$tmp/device.npy" >"$tmp/log"
  "$python" tests/e2e/lib/integer_input.py compare "$model" "$tmp/$name-first.npy" "$tmp/reference.npy" "$tmp/device.npy"
done
# An image is the same bytes as the array in the input's order.
for name in nhwc-u8 nchw-u8; do
  python3 tests/lit/runtime/Inputs/png.py "$tmp/cat.png" 3 16 12 5
  "$python" tests/e2e/lib/integer_input.py pixels "$tmp/cat.png" "$name" "$tmp/cat.npy"
  for input in cat.png cat.npy; do
    "$bin/nbq-run" "$tmp/$name.svpe" --input="$tmp/$input" -o "$tmp/$input.device.npy" >"$tmp/log"
    "$bin/nbq-run" --reference "$tmp/$name.onnx" --input="$tmp/$input" -o "$tmp/$input.float.npy" >"$tmp/log"
  done
  cmp "$tmp/cat.png.device.npy" "$tmp/cat.npy.device.npy" || fail "$name: an image's bytes on the device"
  cmp "$tmp/cat.png.float.npy" "$tmp/cat.npy.float.npy" || fail "$name: an image's bytes in float"
  mkdir -p "$tmp/folder" && cp "$tmp/cat.png" "$tmp/folder/3.png"
  "$bin/nbq-run" "$tmp/$name.svpe" --data="folder:$tmp/folder" --against="$tmp/$name.onnx" --json >"$tmp/folder.json"
  [ "$(json "$tmp/folder.json" images)" = 1 ] || fail "$name: a folder of images"
  "$bin/nbqc" "$tmp/$name.onnx" -o "$tmp/folder.svpe" --calib="folder:$tmp/folder" 2>"$tmp/log" ||
    { cat "$tmp/log" && fail "$name: calibration on images"; }
done
