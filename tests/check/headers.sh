#!/usr/bin/env bash
# Each header compiles alone, under gcc and clang (after the dev build, which generates the ONNX one).
set -eu
for h in $(git ls-files '*.h'); do
  for cc in gcc clang; do
    $cc -std=gnu11 -D_GNU_SOURCE -I. -Iir -isystem build/dev/proto -Wall -Wextra -Wno-unused -x c -fsyntax-only "$h" ||
      { echo "$h does not compile alone ($cc)"; exit 1; }
  done
done
