#!/usr/bin/env bash
# Feeds each fuzz target what the tests have of its input, whole and cut and damaged, under the sanitizers. To fuzz for
# real: cmake --preset fuzz && cmake --build --preset fuzz, then build/fuzz/tests/fuzz/NAME_fuzz FOLDER.
. tests/e2e/lib/common.sh
programs=build/dev-clang/tests/fuzz
mkdir "$tmp/import" "$tmp/svpe" "$tmp/asm" "$tmp/ir_parse" "$tmp/target"
"$programs/../data_seeds" "$tmp/data"
cp isa/targets/*.target "$tmp/target"
cp examples/shapes.onnx "$tmp/import"
if command -v protoc >/dev/null; then
  for t in tests/lit/frontend/Inputs/*.textproto; do
    sh tests/lit/encode.sh "$t" "$tmp/import/$(basename "$t" .textproto).onnx" 2>/dev/null || rm -f "$tmp/import/$(basename "$t" .textproto).onnx"
  done
fi
for target in tiny zcu102 zcu102-vpe; do
  $bin/nbqc examples/shapes.onnx -o "$tmp/svpe/$target.svpe" --target=$target 2>/dev/null
  $bin/nbq-objdump -d "$tmp/svpe/$target.svpe" >"$tmp/asm/$target.s"
done
cp tests/lit/isa/*.s "$tmp/asm" 2>/dev/null || true
cp $(git ls-files 'tests/lit/*.nir') "$tmp/ir_parse"

python3 - "$tmp" <<'P'
# Cuts and damages every input a few times, by a seed.
import os, random, sys
rng = random.Random(5)
for kind in ("import", "svpe", "asm", "ir_parse", "data", "target"):
    folder = os.path.join(sys.argv[1], kind)
    for name in sorted(os.listdir(folder)):
        data = open(os.path.join(folder, name), "rb").read()
        for i in range(8):
            d = bytearray(data[:rng.randrange(len(data))] if i % 2 and data else data)
            for _ in range(rng.randrange(1, 6)):
                if d:
                    d[rng.randrange(len(d))] = rng.randrange(256)
            open(os.path.join(folder, f"{name}.{i}"), "wb").write(d)
P
for kind in import svpe asm ir_parse data target; do
  printf '%s: ' "$kind"
  $programs/${kind}_fuzz "$tmp/$kind"/*
done
# The whole compiler takes both kinds of models.
printf 'compile: '
$programs/compile_fuzz "$tmp/import"/* "$tmp/ir_parse"/*
