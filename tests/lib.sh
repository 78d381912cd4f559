# Functions of check.sh: each test counts into passed, failed, skipped; failures show their output.
passed=0 failed=0 skipped=0
root=$(pwd)
logs=$root/build/logs
mkdir -p "$logs"
export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1 LC_ALL=C

step() { # name, command…: one test
  local name=$1 log
  shift
  log=$logs/$(printf '%s' "$name" | tr -c 'A-Za-z0-9' _).log
  if "$@" >"$log" 2>&1; then
    passed=$((passed + 1))
    echo "ok      $name"
  else
    failed=$((failed + 1))
    echo "FAILED  $name"
    tail -n 60 "$log"
  fi
}

build_preset() {
  cmake --preset "$1" -DNBQ_TESTS=ON && cmake --build --preset "$1" # quickstart.sh leaves the tests out
}

prepare_data() {
  export NBQ_MODELS=${NBQ_MODELS:-$root/../shared/data/models}
  export NBQ_DATA=${NBQ_DATA:-$root/build/data}
  local unpack=$root/../shared/data/unpack.sh
  [ -f "$unpack" ] && sh "$unpack" "$NBQ_DATA" >"$logs/unpack.log" 2>&1
  [ -d "$NBQ_MODELS" ] && return
  echo "skipped: no real models at $NBQ_MODELS"
  unset NBQ_MODELS
}

prepare_python() {
  export NBQ_VENV=${NBQ_VENV:-$HOME/.cache/nbq-venv}
  local python=$NBQ_VENV/bin/python
  "$python" -c 'import onnx, onnxruntime, numpy' 2>/dev/null && return
  { python3 -m venv "$NBQ_VENV" && "$NBQ_VENV/bin/pip" -q install onnx onnxruntime numpy; } >"$logs/venv.log" 2>&1 ||
    echo "skipped: no Python environment with onnx and onnxruntime"
}

unit_tests() { # build folder: every cmocka program; each of its tests counts
  local program log p f s status
  for program in "$1"/tests/*_test; do
    log=$logs/$(basename "$1")_$(basename "$program").log
    CMOCKA_MESSAGE_OUTPUT=STDOUT "$program" >"$log" 2>&1
    status=$?
    p=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' "$log" | awk '{n += $1} END {print n + 0}')
    f=$(sed -n 's/^\[  FAILED  \] \([0-9]*\) test.*/\1/p' "$log" | awk '{n += $1} END {print n + 0}')
    s=$(sed -n 's/^\[  SKIPPED \] \([0-9]*\) test.*/\1/p' "$log" | awk '{n += $1} END {print n + 0}')
    [ "$status" = 0 ] || [ "$f" -gt 0 ] || f=1                # it crashed
    [ "$status" = 0 ] && [ $((p + s)) = 0 ] && f=1            # it tested nothing
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    if [ "$f" = 0 ]; then
      echo "ok      $(basename "$1") $(basename "$program") ($p)"
    else
      echo "FAILED  $(basename "$1") $(basename "$program")"
      grep -v '^\[ *\(RUN\|OK\)' "$log" | tail -n 60
    fi
  done
}

lit_tests() { # build folder
  local log=$logs/lit.log lit=/usr/lib/llvm-14/build/utils/lit/lit.py p f
  BUILD=$root/$1 python3 "$lit" -v --time-tests tests/lit >"$log" 2>&1
  count() { sed -n "s/^ *$1 *: *\([0-9]*\).*/\1/p" "$log" | awk '{n += $1} END {print n + 0}'; }
  p=$(count Passed)
  f=$(($(count Failed) + $(count Unresolved) + $(count "Timed Out") + $(count "Unexpectedly Passed")))
  [ "$p" = 0 ] && f=$((f + 1))
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + $(count Unsupported)))
  if [ "$f" = 0 ]; then
    echo "ok      lit ($p)"
  else
    echo "FAILED  lit ($f)"
    grep -A 40 'FAIL:\|UNRESOLVED:\|fatal:' "$log" | head -n 200
  fi
}

script_test() { # a script: exit 0 passed, 77 skipped (its last line says why), else failed
  local name log
  name=$(basename "$(dirname "$1")")/$(basename "$1" .sh)
  log=$logs/$(printf '%s' "$name" | tr / _).log
  bash "$1" >"$log" 2>&1
  case $? in
    0) passed=$((passed + 1)) && echo "ok      $name" ;;
    77) skipped=$((skipped + 1)) && echo "skipped $name: $(tail -n 1 "$log")" ;;
    *) failed=$((failed + 1)) && echo "FAILED  $name" && tail -n 60 "$log" ;;
  esac
}

summary() {
  [ "$skipped" = 0 ] || echo "$skipped skipped"
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ]
}
