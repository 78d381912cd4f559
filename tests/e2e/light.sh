#!/usr/bin/env bash
# ONNX's nine light models. With their own weights, which are constants, nbq-run --reference gives the outputs of the archive.
# With random weights that keep their layers alive (tests/models/light.py) they compile, and equal the oracle bit for bit, and so
# does what --emit=onnx writes in ONNX Runtime. LIGHT=all takes all nine for the latter (minutes), not only the two small ones.
. tests/e2e/lib/common.sh
need_oracle
folder=$data/onnx-backend-tests/light
need_files "$folder/light_resnet50.onnx"
last=$(last_pass)
preprocess="--mean=0.5 --std=0.25"

for model in "$folder"/*.onnx; do
  name=$(basename "$model" .onnx)
  found=$("$python" tests/e2e/lib/light.py $bin/nbq-run "$model" "${model%.onnx}_output_0.pb" "$tmp") || fail "$name: $found"
  printf '%-20s %s\n' "$name" "$found"
done

for model in "$folder"/*.onnx; do
  name=$(basename "$model" .onnx)
  case ${LIGHT:-small}:$name in
    all:* | small:light_squeezenet | small:light_shufflenet) ;;
    *) continue ;;
  esac
  "$python" tests/models/light.py "$model" -o "$tmp/m.onnx" --samples="$tmp/x.npy" >"$tmp/out" || fail "$name: $(cat "$tmp/out")"
  $bin/nbqc "$tmp/m.onnx" -o "$tmp/p.svpe" $preprocess --calib=npy:"$tmp/x.npy" --calib-count=4 --print-after="$last" --print-data \
    >"$tmp/p.nir" 2>"$tmp/err" || fail "$name: $(cat "$tmp/err")"
  $programs/oracle --data=npy:"$tmp/x.npy" --count=1 $preprocess --host "$tmp/p.svpe" "$tmp/p.nir" >"$tmp/out" || fail "$name: $(cat "$tmp/out")"
  printf '%-20s %s\n' "$name" "$(tail -n 1 "$tmp/out")"
  $bin/nbqc "$tmp/m.onnx" --emit=onnx -o "$tmp/e.onnx" $preprocess --calib=npy:"$tmp/x.npy" --calib-count=4 2>"$tmp/err" || fail "$name: $(cat "$tmp/err")"
  found=$("$python" tests/e2e/lib/emitted.py $programs/values "$tmp/p.nir" "$tmp/e.onnx" 1 "$tmp/x.npy") || fail "$name: --emit=onnx"
  printf '%-20s %s\n' "" "$found"
done
