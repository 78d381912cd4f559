#!/usr/bin/env bash
# clang-tidy (.clang-tidy says which checks, and why not the others) and cppcheck find nothing in our C. Reads the
# commands of the clang build, whose assertions tell the analyzers what holds.
#   BUILD  that build's folder (default: build/dev-clang)
set -eu
build=${BUILD:-build/dev-clang}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
ninja -C "$build" proto/onnx/onnx.pb-c.h >"$out/headers" || { cat "$out/headers"; exit 1; }
git ls-files '*.c' | while read -r f; do
  grep -q "\"file\": \"$PWD/$f\"" "$build/compile_commands.json" && echo "$f"
done >"$out/files"
[ "$(wc -l <"$out/files")" -ge 150 ] || { echo "$build knows only $(wc -l <"$out/files") of our files"; exit 1; }

# One file a process: clang 14 confuses one file's va_list with another's.
start=$SECONDS bad=0
xargs -P "$(nproc)" -n 1 clang-tidy-14 --quiet -p "$build" <"$out/files" >"$out/tidy" 2>"$out/tidy.log" || bad=1
grep -E '(warning|error): ' "$out/tidy" | sort -u || true
echo "clang-tidy: $(wc -l <"$out/files") files in $((SECONDS - start)) s"

# shadowFunction  -Wshadow says which names may meet
# variableScope  arrays that are tables stand above the branch that takes them
# unusedStructMember  does not count calls of a member that is a function, nor what tables (.def) fill in
start=$SECONDS
cppcheck --enable=warning,performance,portability,style --inline-suppr --std=c11 --language=c -j "$(nproc)" --quiet \
  --library=tests/check/cppcheck.cfg --suppress=unusedStructMember --suppress=shadowFunction --suppress=variableScope -I. -Iir -D_GNU_SOURCE '-DNBQ_VERSION=""' \
  -DNBQ_JPEG -DNBQ_PNG --error-exitcode=1 --template='{file}:{line}: {severity}: {message} [{id}]' \
  --file-list="$out/files" || bad=1
echo "cppcheck: $(wc -l <"$out/files") files in $((SECONDS - start)) s"
exit $bad
