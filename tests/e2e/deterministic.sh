#!/usr/bin/env bash
# Same input, same bytes: any number of threads, release and sanitized builds, any order of the folder.
. tests/e2e/lib/common.sh
options="--bits=4 --calib=folder:examples/shapes --mean=0.5,0.5,0.5 --std=0.25,0.25,0.25"
$bin/nbqc examples/shapes.onnx -o "$tmp/a.svpe" $options -j 1
$bin/nbqc examples/shapes.onnx -o "$tmp/b.svpe" $options -j 3
build/dev/bin/nbqc examples/shapes.onnx -o "$tmp/c.svpe" $options
build/dev-clang/bin/nbqc examples/shapes.onnx -o "$tmp/d.svpe" $options
LC_ALL=C.UTF-8 TZ=Asia/Tokyo $bin/nbqc examples/shapes.onnx -o "$tmp/e.svpe" $options
for f in b c d e; do cmp "$tmp/a.svpe" "$tmp/$f.svpe"; done
sha256sum <"$tmp/a.svpe"
