# change.sh FROM TO OFFSET: a copy of FROM in which the lowest bit of the byte at OFFSET is another one.
cp "$1" "$2"
byte=$(od -An -tu1 -j "$3" -N 1 "$1" | tr -d ' ')
printf "\\$(printf '%03o' $((byte ^ 1)))" | dd of="$2" bs=1 seek="$3" conv=notrunc 2>/dev/null
