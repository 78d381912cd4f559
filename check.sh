#!/usr/bin/env bash
# Every test: builds under gcc and clang with sanitizers and in release, then unit tests, lit tests, end-to-end tests,
# checks of the tree. Installs what is missing. The last line is "N passed, N failed".
#   NBQ_DATA    folder of unpacked real data (default: build/data, unpacked from ../shared/data where that is)
#   NBQ_MODELS  folder of real models (default: ../shared/data/models)
#   NBQ_VENV    Python environment with onnx, onnxruntime, numpy for oracles (default: ~/.cache/nbq-venv)
# Without data, models or the environment, what needs them says "skipped".
set -u
cd "$(dirname "$0")" || exit 1
. .ci/packages.sh
# shellcheck disable=SC2086
need $build_packages $test_packages || exit 1
. tests/lib.sh

prepare_data
prepare_python
for preset in dev dev-clang release; do
  step "build $preset" build_preset $preset
done
for preset in dev dev-clang; do
  unit_tests build/$preset
done
lit_tests build/dev
for t in tests/check/*.sh tests/e2e/*.sh tests/fuzz/replay.sh; do
  [ -f "$t" ] && script_test "$t"
done
summary
