# refused.sh COMMAND…: its messages on standard output; fails unless the exit code is 1 and standard output was empty.
out=$("$@" 2>&1 >/dev/null)
code=$?
printf '%s\n' "$out"
[ $code -eq 1 ] || { echo "exit code $code; expected 1"; exit 1; }
