#!/usr/bin/env bash
# Our scripts, by shellcheck: nothing from warnings on.
# SC2034, SC2154  variables of files that are sourced are used, and set, elsewhere
# SC2046, SC2048  lists of our own file names and words are split on purpose: none holds a space
set -eu
mapfile -t scripts < <(git ls-files '*.sh' .ci/run)
[ "${#scripts[@]}" -ge 20 ] || { echo "only ${#scripts[@]} scripts were found"; exit 1; }
shellcheck --shell=bash --severity=warning --exclude=SC2034,SC2154,SC2046,SC2048 "${scripts[@]}"
echo "shellcheck: ${#scripts[@]} scripts"
