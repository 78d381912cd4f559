# amplified.sh N: a model of N empty nodes, two bytes each.
varint() { # as octal escapes
  n=$1
  while [ "$n" -gt 127 ]; do printf '\\%03o' $((n % 128 + 128)); n=$((n / 128)); done
  printf '\\%03o' "$n"
}
printf '\010\010\072'"$(varint $((2 * $1)))"
yes "$(printf 'x')" | head -c $((2 * $1)) | tr 'x\n' '\012\000'
