#!/usr/bin/env bash
# Feeds each fuzz target what the tests have of its input, whole and cut and damaged, under the sanitizers.
# tests/fuzz/run.sh fuzzes for real.
. tests/e2e/lib/common.sh
. tests/fuzz/lib/seeds.sh
programs=${FUZZ:-build/dev-clang/tests/fuzz}
seeds "$tmp" "$bin" "$programs/.."

python3 - "$tmp" <<'P'
# Cuts and damages every input a few times, by a seed.
import os, random, sys
rng = random.Random(5)
for kind in ("import", "svpe", "asm", "ir_parse", "data", "target", "compile"):
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
for kind in import svpe asm ir_parse data target compile; do
  printf '%s: ' "$kind"
  $programs/${kind}_fuzz "$tmp/$kind"/*
done
