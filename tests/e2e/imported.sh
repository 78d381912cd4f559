#!/usr/bin/env bash
# Models that come quantized, as ONNX Runtime writes them: their ranges do instead of calibration data.
. tests/e2e/lib/common.sh
images=$data/cifar10-test-lossless-1017.bin model=$models/resnet8-cifar10-mlperf.onnx
need_files "$images" "$model"
need_oracle
"$python" - "$images" "$tmp" <<'EOF'
import sys
import numpy as np
x = np.fromfile(sys.argv[1], np.uint8).reshape(-1, 3073)[:, 1:].reshape(-1, 3, 32, 32).astype(np.float32)
np.save(f"{sys.argv[2]}/calibration.npy", x[-64:])
np.save(f"{sys.argv[2]}/samples.npy", x[:16])
EOF
accuracy() { # model, options…: prints top-1 of its program
  local m=$1
  shift
  "$bin/nbqc" "$m" -o "$tmp/p.svpe" --scale=1 "$@" 2>"$tmp/log" || { cat "$tmp/log" >&2 && fail "$m" >&2; }
  "$bin/nbq-run" "$tmp/p.svpe" --data=cifar10:"$images" --json >"$tmp/p.json"
  json "$tmp/p.json" top1
}
bar=$(accuracy "$model" --calib=cifar10:"$data/cifar10-train-lossless-8068.bin")
check() { # name, options of quantized.py
  local name=$1
  shift
  "$python" tests/models/quantized.py "$model" -o "$tmp/$name.onnx" --samples="$tmp/calibration.npy" "$@" >/dev/null 2>&1
  at_least "$name: top-1, where the float model calibrated on images has $bar" "$(accuracy "$tmp/$name.onnx")" \
    "$(awk -v bar="$bar" 'BEGIN {print bar - 1.5}')"
  grep -q 'not bit-compatible' "$tmp/log" || fail "$name: no note"
  ! grep -q 'synthetic' "$tmp/log" || fail "$name: synthetic inputs, though every range is known"
  [ "$(json "$tmp/p.json" segments)" = 1 ] || fail "$name: segments: $(json "$tmp/p.json" segments)"
  at_least "$name: the reference's class is ONNX Runtime's, of 100" \
    "$("$python" tests/e2e/lib/imported.py "$bin/nbq-run" "$tmp/$name.onnx" "$tmp/samples.npy" "$tmp")" 93
}
check qdq --form=qdq
check qdq-channels --form=qdq --per-channel --unsigned
check qoperator --form=qoperator
check qoperator-channels --form=qoperator --per-channel --unsigned
