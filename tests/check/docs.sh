#!/usr/bin/env bash
# Documents that a program prints are what it prints today.
set -eu
bin=build/dev/bin
same() { # file, command…
  local file=$1
  shift
  "$@" | diff -u "$file" - || { echo "$file is out of date: $* > $file"; exit 1; }
}
same docs/isa.md $bin/nbq-objdump --manual=isa
same docs/container.md $bin/nbq-objdump --manual=container
same docs/operators.md $bin/nbqc --supported-ops
same docs/report.md $bin/nbqc --report-keys
same docs/mapping.md python3 tests/bench/mapping.py
