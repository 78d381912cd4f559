#!/usr/bin/env bash
# nbq-as of nbq-objdump -d is the identical instruction section, on the real networks and the bundled one.
. tests/e2e/lib/common.sh
check() { # program
  $bin/nbq-objdump -d "$1" >"$tmp/p.s"
  $bin/nbq-as --into="$1" "$tmp/p.s" -o "$tmp/q.svpe"
  cmp "$1" "$tmp/q.svpe" || fail "$1"
  sed '0,/ rows=/s/ rows=\([0-9]*\)/ rows=1\1/' "$tmp/p.s" >"$tmp/other.s" # the text is what counts, not the program
  $bin/nbq-as --into="$1" "$tmp/other.s" -o "$tmp/q.svpe" && ! cmp -s "$1" "$tmp/q.svpe" || fail "$1: a changed text gave the same code"
}
$bin/nbqc examples/shapes.onnx -o "$tmp/s.svpe" --target=tiny
check "$tmp/s.svpe"
need_files "$resnet20" "$mnist"
for target in zcu102 zcu102-paper tiny; do
  $bin/nbqc "$resnet20" -o "$tmp/r.svpe" --target=$target $cifar
  check "$tmp/r.svpe"
  $bin/nbqc "$mnist" -o "$tmp/m.svpe" --target=$target --scale=1
  check "$tmp/m.svpe"
done
