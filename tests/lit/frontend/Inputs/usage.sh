# usage.sh NBQC [ARGUMENT...]: a wrong command line. Passes messages on; fails unless the exit code is 2.
"$@" 2>&1
code=$?
[ $code -eq 2 ] || { echo "usage.sh: exit code $code, expected 2"; exit 1; }
