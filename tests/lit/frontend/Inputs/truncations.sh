# truncations.sh NBQC MODEL: every shorter file is refused with a message, exit code 1 and no output.
nbqc=$1 model=$2
size=$(wc -c <"$model")
n=0
while [ $n -lt "$size" ]; do
  head -c $n "$model" >"$model.cut"
  text=$("$nbqc" "$model.cut" -o "$model.cut.svpe" 2>&1)
  code=$?
  [ $code -eq 1 ] || { echo "$n of $size bytes: exit code $code, expected 1: $text"; exit 1; }
  [ ! -e "$model.cut.svpe" ] || { echo "$n of $size bytes: there is an output file"; exit 1; }
  case $text in *"error: $model.cut: "*) ;; *) echo "$n of $size bytes: no message: $text"; exit 1 ;; esac
  n=$((n + 1))
done
"$nbqc" "$model" --passes= >/dev/null # the whole of it is good
