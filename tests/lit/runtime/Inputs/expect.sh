# expect.sh CODE COMMAND…: runs the command; its output and messages are ours; fails unless it exits with CODE.
code=$1
shift
"$@" 2>&1
found=$?
[ "$found" = "$code" ] || { echo "exit code $found, expected $code"; exit 1; }
