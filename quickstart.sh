#!/usr/bin/env bash
# From a bare Debian 12 to a classified picture: installs what is missing, builds, compiles the bundled network to
# shifts, and runs it in the emulator.
set -eu
cd "$(dirname "$0")"
. .ci/packages.sh
# shellcheck disable=SC2086
need $build_packages

cmake --preset release -DNBQ_TESTS=OFF >/dev/null
cmake --build --preset release 2>&1 | tail -n 1
bin=build/release/bin

say() { printf '\n$ %s\n' "$*"; "$@"; }
say $bin/nbqc examples/shapes.onnx -o build/shapes.svpe --bits=4 --calib=folder:examples/shapes \
  --mean=0.5,0.5,0.5 --std=0.25,0.25,0.25
say $bin/nbq-run build/shapes.svpe --seed=1
for picture in circle/0 square/3 triangle/5; do
  say $bin/nbq-run build/shapes.svpe --input=examples/shapes/$picture.png
done
echo "(classes: 0 circle, 1 cross, 2 ring, 3 square, 4 stripes, 5 triangle)"
say $bin/nbq-run build/shapes.svpe --data=folder:examples/shapes --check
