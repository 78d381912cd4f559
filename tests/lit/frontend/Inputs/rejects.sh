# rejects.sh NBQC MODEL [OPTION...]: compiles MODEL, which is bad input. Passes messages on; fails unless the exit code is 1
# and there is no output file.
nbqc=$1 model=$2
shift 2
out=$model.rejected.svpe
rm -f "$out"
"$nbqc" "$model" -o "$out" "$@" 2>&1
code=$?
[ $code -eq 1 ] || { echo "rejects.sh: exit code $code, expected 1"; exit 1; }
[ ! -e "$out" ] || { echo "rejects.sh: $out exists"; exit 1; }
