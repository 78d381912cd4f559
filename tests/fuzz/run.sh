#!/usr/bin/env bash
# Fuzzes for real: every target for so many seconds, from the tests' inputs and what earlier runs kept in
# build/fuzz/corpus; prints a table; exit status 1 if anything was found (the input lies in build/fuzz/found).
#   tests/fuzz/run.sh SECONDS [TARGET…]     such as: tests/fuzz/run.sh 600 import ir_parse
set -eu
cd "$(dirname "$0")/../.."
. tests/fuzz/lib/seeds.sh
seconds=${1:?"usage: tests/fuzz/run.sh SECONDS [TARGET…]"}
shift
build=${BUILD:-build/fuzz}
[ -n "${BUILD:-}" ] || { cmake --preset fuzz >/dev/null && cmake --build --preset fuzz >/dev/null; }
programs=$build/tests/fuzz
[ $# -gt 0 ] || set -- $(cd "$programs" && ls -d -- *_fuzz | sed 's/_fuzz$//')
seeds=$(mktemp -d)
trap 'rm -rf "$seeds"' EXIT
seeds "$seeds" "$build/bin" "$build/tests"
mkdir -p "$build/found" "$build/logs"

figure() { # name, log: the last figure libFuzzer printed under that name
  sed -n "s/^stat::$1: *//p" "$2" | tail -n 1
}
bad=0
printf '%-10s %8s %12s %8s %9s %9s %8s  %s\n' target seconds executions per-s edges features corpus found
for name; do
  corpus=$build/corpus/$name log=$build/logs/$name.log
  mkdir -p "$corpus" "$seeds/$name"
  start=$SECONDS found=nothing
  "$programs/${name}_fuzz" -max_total_time="$seconds" -timeout=60 -rss_limit_mb=3072 -print_final_stats=1 \
    -artifact_prefix="$build/found/$name-" "$corpus" "$seeds/$name" >"$log" 2>&1 || {
    found=$(sed -n 's/^SUMMARY: //p' "$log" | tail -n 1)
    found=${found:-"exit without a summary: $log"}
    bad=1
  }
  runs=$(figure number_of_executed_units "$log") took=$((SECONDS - start))
  last=$(grep -E ' cov: [0-9]+ ft: [0-9]+ ' "$log" | tail -n 1)
  edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' <<<"$last") features=$(sed -n 's/.* ft: \([0-9]*\) .*/\1/p' <<<"$last")
  printf '%-10s %8d %12s %8d %9s %9s %8d  %s\n' "$name" "$took" "${runs:-?}" $((${runs:-0} / (took > 0 ? took : 1))) \
    "${edges:-?}" "${features:-?}" "$(find "$corpus" -type f | wc -l)" "$found"
done
exit $bad
