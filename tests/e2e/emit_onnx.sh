#!/usr/bin/env bash
# nbqc --emit=onnx: ONNX Runtime on what it writes gives the oracle's integers at every layer, for every operator of the
# quantized level and for all generated networks, made small, each with another target, number of bits or of terms.
. tests/e2e/lib/common.sh
need_oracle
emitted="$python tests/e2e/lib/emitted.py $programs/values"

for seed in 1 2 3; do
  for bits in 8 16; do
    "$python" tests/e2e/lib/quantized.py $bits $seed >"$tmp/g.nir"
    $bin/nbqc "$tmp/g.nir" --passes= --emit=onnx -o "$tmp/g.onnx" --target=tiny --act-bits=$bits
    found=$($emitted "$tmp/g.nir" "$tmp/g.onnx" $seed) || fail "operators, $bits bits, seed $seed"
    echo "operators, $bits bits, seed $seed: $found"
  done
done

# Every operator of ONNX's own cases, in whatever version and with whatever left out.
need_files "$data/onnx-backend-tests/node"
"$python" tests/e2e/lib/emitted_cases.py "$bin/nbqc" "$data/onnx-backend-tests/node" "$tmp" || fail "cases"

last=$(last_pass)
ways=("--target=zcu102" "--target=tiny --act-bits=16" "--terms=2" "--target=zcu102-vpe-int8" "--bits=2" "--target=zcu102-vpe"
  "--target=zcu102-paper --bits=5" "--target=zcu102-a16 --terms=2")
seed=0
while read -r name size; do
  seed=$((seed + 1))
  way=${ways[$((seed % ${#ways[@]}))]}
  "$python" tests/models/networks.py "$name" -o "$tmp/m.onnx" --samples="$tmp/x.npy" --size="$size" --width=0.125 --classes=10 \
    --seed=$seed --opset=$((7 + 2 * seed % 16)) >/dev/null
  # shellcheck disable=SC2086  # words
  $bin/nbqc "$tmp/m.onnx" --emit=onnx -o "$tmp/e.onnx" --mean=0.5 --std=0.25 --calib=npy:"$tmp/x.npy" \
    --print-after="$last" --print-data $way >"$tmp/e.nir" 2>"$tmp/err" || fail "$name $way: $(cat "$tmp/err")"
  found=$($emitted "$tmp/e.nir" "$tmp/e.onnx" $seed "$tmp/x.npy") || fail "$name $way"
  printf '%-20s %-30s %s\n' "$name" "$way" "$found"
done <<<"$("$python" tests/models/networks.py --list | awk 'NR > 1 {print $1, $7}')"
