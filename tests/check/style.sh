#!/usr/bin/env bash
# Formatting, file length, function length; no path of a machine, no marker of unfinished work.
set -eu
bad=0
sources=$(git ls-files '*.c' '*.h')
# shellcheck disable=SC2086
clang-format-14 --dry-run --Werror $sources 2>&1 | head -n 20 | grep . && bad=1
long=$(git ls-files '*.c' '*.h' '*.py' '*.sh' | xargs wc -l | awk '$2 != "total" && $1 > 800')
[ -z "$long" ] || { echo "over 800 lines: $long"; bad=1; }
words=$(git ls-files '*.c' '*.h' '*.def' '*.py' '*.sh' | grep -v check/style.sh |
  xargs grep -nEi '\b(TODO|FIXME|XXX|not implemented|unimplemented)\b' || true)
[ -z "$words" ] || { echo "$words"; bad=1; }
exit $bad
