# Debian 12 packages, sourced by quickstart.sh and check.sh: the one list. `need` installs what is missing.
build_packages="gcc cmake ninja-build pkg-config libprotobuf-c-dev protobuf-c-compiler libonnx-dev liblua5.4-dev
  libjpeg62-turbo-dev libpng-dev zlib1g-dev"
test_packages="clang llvm-14-tools libclang-rt-14-dev libcmocka-dev protobuf-compiler python3 python3-venv xz-utils git
  clang-format-14 clang-tidy-14 cppcheck shellcheck"

need() { # packages…: nothing happens, and no network is needed, when all are there
  missing=""
  for p in "$@"; do
    dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q "ok installed" || missing="$missing $p"
  done
  [ -z "$missing" ] && return 0
  echo "installing:$missing"
  sudo=""
  [ "$(id -u)" = 0 ] || sudo="sudo"
  export DEBIAN_FRONTEND=noninteractive
  # shellcheck disable=SC2086
  { $sudo apt-get update -qq && $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null; } || {
    echo "could not install:$missing; install them by hand and start again" >&2
    return 1
  }
}
