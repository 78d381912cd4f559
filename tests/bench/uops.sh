#!/usr/bin/env bash
# Cycles of a program's micro-instructions by kind, as nbq-objdump --uops prints them, and how many of them are there
# because a port is asked for more than it gives: above all bank conflicts of the activation buffer.
#   tests/bench/uops.sh MODEL.svpe…        [BIN=build/release/bin]
set -euo pipefail
bin=${BIN:-build/release/bin}
for program in "$@"; do
  "$bin/nbq-objdump" --uops "$program" | awk -v name="$(basename "$program")" '
    /^; layer [0-9]+: / { layer = $0; sub(/^; /, "", layer) }
    /^;     [a-z.]+ .*: cycles=/ {
      match($0, /cycles=[0-9]+/)
      cycles = substr($0, RSTART + 7, RLENGTH - 7)
      if (!($2 in steps)) order[++kinds] = $2
      steps[$2]++; sum[$2] += cycles
      if ($2 ~ /^mac/ && cycles > 1) { if (!(layer in extra)) where[++layers] = layer; extra[layer] += cycles - 1 }
    }
    END {
      printf "%s\n%-8s%12s%12s%10s\n", name, "", "steps", "cycles", "extra %"
      for (k = 1; k <= kinds; k++) { n = order[k]
        printf "%-8s%12d%12d%10.1f\n", n, steps[n], sum[n], 100 * (sum[n] / steps[n] - 1)
        if (n ~ /^mac/) { mac += steps[n]; conv += sum[n] }
        else if (n == "out" || n == "init" || n == "shl") conv += sum[n]
      }
      printf "array: %d cycles, %d of them waiting for banks", conv, conv - conv_free()
      printf "\n"
      for (l = 1; l <= layers; l++) printf "  %s: %d\n", where[l], extra[where[l]]
    }
    function conv_free(   n, s) { for (n in steps) if (n ~ /^(mac|mac\.w|out|init|shl)$/) s += steps[n]; return s }'
done
