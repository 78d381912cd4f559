#!/usr/bin/env bash
# nbq-as of nbq-objdump -d is the identical instruction section, on the real networks and the bundled one.
. tests/e2e/lib/common.sh
check() { # program
  $bin/nbq-objdump -d "$1" >"$tmp/p.s"
  $bin/nbq-as "$tmp/p.s" -o "$tmp/p.code"
  $bin/nbq-objdump --code="$tmp/q.code" "$1" >/dev/null
  cmp "$tmp/p.code" "$tmp/q.code" || fail "$1"
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
