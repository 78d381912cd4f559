#!/usr/bin/env bash
# libnbq, nbq-run, nbq-objdump and nbq-as build with libc and threads alone, for aarch64 too where a compiler for that is
# there; and each library that is missing leaves out what needs it, no more.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
fail() {
  echo "failed: $*"
  exit 1
}
build() { # folder, cmake argument…
  local dir=$tmp/$1
  shift
  cmake -S . -B "$dir" -G Ninja -DNBQ_WERROR=ON "$@" >"$dir.log" 2>&1 || { cat "$dir.log"; fail "cmake $*"; }
  cmake --build "$dir" >"$dir.build" 2>&1 || { cat "$dir.build"; fail "build with $*"; }
}
has() { # folder, program…: these and no others
  local dir=$tmp/$1 found
  shift
  found=$(ls "$dir/bin" | tr '\n' ' ')
  [ "$found" = "$* " ] || fail "$dir has $found; expected $*"
}
says() { # file, text
  grep -q -e "$2" "$1" || { cat "$1"; fail "expected: $2"; }
}
refuses() { # text, command…: exit code 1 with this message
  local text=$1 code=0
  shift
  "$@" >"$tmp/said" 2>&1 || code=$?
  [ "$code" = 1 ] || { cat "$tmp/said"; fail "exit code $code, expected 1: $*"; }
  says "$tmp/said" "$text"
}
# Modules that pkg-config is not to find: it sees a folder with the others only.
without() { # module…
  rm -rf "$tmp/pc"
  mkdir "$tmp/pc"
  for m in libprotobuf-c lua5.4 libjpeg libpng; do
    case " $* " in *" $m "*) continue ;; esac
    ln -s "$(pkg-config --variable=pcfiledir $m)/$m.pc" "$tmp/pc/"
  done
  ln -sf "$(pkg-config --variable=pcfiledir zlib)/zlib.pc" "$tmp/pc/"
  export PKG_CONFIG_LIBDIR=$tmp/pc
}

# Nothing but libc: no pkg-config, no libraries of others in the programs.
build bare -DNBQ_RUNTIME_ONLY=ON -DNBQ_IMAGES=OFF -DCMAKE_DISABLE_FIND_PACKAGE_PkgConfig=ON
has bare nbq-as nbq-objdump nbq-run
[ -f "$tmp/bare/libnbq.a" ] || fail "no libnbq.a"
for f in "$tmp"/bare/bin/*; do
  needed=$(readelf -d "$f" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -vE '^(libc|libm|ld-linux.*)\.so' || true)
  [ -z "$needed" ] || fail "$f needs $needed"
done
says "$tmp/bare.log" "Runtime only"
"$tmp/bare/bin/nbq-objdump" --manual=isa | cmp - docs/isa.md
refuses "this build has no ONNX importer" "$tmp/bare/bin/nbq-run" --reference examples/shapes.onnx --seed=1

if command -v aarch64-linux-gnu-gcc >/dev/null; then
  build arm -DNBQ_RUNTIME_ONLY=ON -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 \
    -DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc
  has arm nbq-as nbq-objdump nbq-run
  for f in "$tmp"/arm/bin/*; do
    readelf -h "$f" | grep -q 'Machine: *AArch64' || fail "$f is not for aarch64"
  done
else
  echo "no aarch64-linux-gnu-gcc: not built for aarch64"
fi

command -v pkg-config >/dev/null || exit 0
without lua5.4
build nolua
has nolua nbq-as nbq-objdump nbq-run nbqc
says "$tmp/nolua.log" "lua5.4 not found: nbqc takes no --schedule"
refuses "plain.lua: this build has no Lua" "$tmp/nolua/bin/nbqc" examples/shapes.onnx -o "$tmp/x.svpe" \
  --schedule=backend/schedules/plain.lua
[ ! -e "$tmp/x.svpe" ] || fail "a program was written"
"$tmp/nolua/bin/nbqc" examples/shapes.onnx -o "$tmp/x.svpe" 2>/dev/null
answer() { # command…: what it prints but the time
  "$@" "$tmp/x.svpe" --seed=1 | grep -v ' ms$'
}
answer "$tmp/nolua/bin/nbq-run" >"$tmp/want"
grep -q 'class' "$tmp/want" || fail "no classes in $(cat "$tmp/want")"
answer "$tmp/bare/bin/nbq-run" | diff "$tmp/want" -
if [ -d "$tmp/arm" ] && command -v qemu-aarch64-static >/dev/null; then
  answer qemu-aarch64-static -L /usr/aarch64-linux-gnu "$tmp/arm/bin/nbq-run" | diff "$tmp/want" -
  echo "the same answer on aarch64"
fi

without libprotobuf-c libjpeg
build noonnx -DNBQ_TESTS=ON
has noonnx nbq-as nbq-objdump nbq-run
says "$tmp/noonnx.log" "no nbqc, no --reference"
says "$tmp/noonnx.log" "JPEG files are refused"
says "$tmp/noonnx.log" "The tests need everything: they are left out"
echo "all parts build alone"
