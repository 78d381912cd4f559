#!/usr/bin/env bash
# Formatting, columns, lengths of files and functions; no path of a machine, no marker of unfinished work.
set -eu
bad=0
sources=$(git ls-files '*.c' '*.h')
# shellcheck disable=SC2086
clang-format-14 --dry-run --Werror $sources 2>&1 | head -n 20 | grep . && bad=1
long=$(git ls-files '*.c' '*.h' '*.py' '*.sh' | xargs wc -l | awk '$2 != "total" && $1 > 800')
[ -z "$long" ] || { echo "over 800 lines: $long"; bad=1; }
# Columns are characters, not bytes.
wide=$(git ls-files '*.c' '*.h' '*.def' | LC_ALL=C.UTF-8 xargs grep -nE '^.{101}' | cut -d: -f1-2 || true)
[ -z "$wide" ] || { echo "over 100 columns:" $wide; bad=1; }
# Functions, as clang-format leaves them: a name in the first column, "{" at the end of a line, "}" alone in the first.
# Half of them have 20 lines at most, 9 of 10 have 60, all have 100.
functions() { # file…: "LINES FILE:LINE" for each function, heads included
  awk 'FNR == 1 { head = body = 0 }
    !head && /^[A-Za-z_].*\(/ { head = FNR }
    head && !body && /;$/ { head = 0 }
    head && !body && /\) \{$/ { body = 1 }
    body && /^}/ { print FNR - head + 1, FILENAME ":" head; head = body = 0 }' "$@"
}
# shellcheck disable=SC2046
functions $(git ls-files '*.c' '*.h') | sort -n | awk '
  { lines[NR] = $1; where[NR] = $2 }
  function most(at, limit) {
    if (lines[at] <= limit) return
    printf "function %d of %d by length, %s, has %d lines; at most %d are allowed\n", at, NR, where[at], lines[at], limit
    bad = 1
  }
  END {
    if (NR < 1000) { print "only " NR " functions were found"; exit 1 }
    most(int((NR + 1) / 2), 20); most(int(NR * 9 / 10), 60); most(NR, 100)
    exit bad
  }' || bad=1
words=$(git ls-files '*.c' '*.h' '*.def' '*.py' '*.sh' | grep -v check/style.sh |
  xargs grep -nEi '\b(TODO|FIXME|XXX|not implemented|unimplemented)\b' || true)
[ -z "$words" ] || { echo "$words"; bad=1; }
exit $bad
