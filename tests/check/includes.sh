#!/usr/bin/env bash
# Includes go one way: base ← isa ← runtime; base ← ir ← frontend, passes (which may see what isa/ says of targets and
# limits); base, isa, ir ← backend. Tools' mains put rooms together and may include any room's public header. lua.h is
# in one file only.
set -eu
bad=0
allow() { # folder, pattern of allowed project includes
  local found
  found=$(grep -rnE '^#include "' --include='*.c' --include='*.h' "$1" | grep -v "/tools/" |
    grep -vE "#include \"($2)" || true)
  [ -z "$found" ] && return
  echo "$1 may not include:"
  echo "$found"
  bad=1
}
allow ir/base 'base/'
own=$(grep -nE '^#include "base/ops/' ir/base/*.[ch] ir/base/data/*.[ch] || true)
[ -z "$own" ] || { echo "ir/base may not include its room of operators: $own"; bad=1; }
allow isa 'base/|isa/'
allow ir 'base/|ir/'
allow frontend 'base/|ir/|frontend/'
allow passes 'base/|ir/|passes/|isa/(target|isa)\.h'
allow backend 'base/|ir/|isa/|backend/'
allow runtime 'base/|isa/|runtime/'
lua=$(grep -rlE '#include <(lua|lauxlib|lualib)' --include='*.[ch]' . --exclude-dir=build | sort -u)
[ "$lua" = ./backend/lua.c ] || { echo "lua.h outside backend/lua.c: $lua"; bad=1; }
exit $bad
