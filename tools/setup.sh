#!/bin/sh
# Installs what is missing, from the packages of Debian or Ubuntu: setup.sh WHAT... with
#
#   train   to build the library and its programs      clang   for the sanitizers
#   test    to build and run the tests                 format  for clang-format
#                                                      lint    for clang-tidy
#
# Says nothing and costs some 20 ms when nothing is missing. Without root or sudo it prints one line
# that lists what to install, and fails.
set -eu

wanted=""
for what in "$@"; do
  case $what in
    train) wanted="$wanted g++ cmake ninja-build ccache
                   libhwy-dev zlib1g-dev nlohmann-json3-dev libcli11-dev" ;;
    test) wanted="$wanted libgtest-dev python3 python3-dev python3-venv" ;;
    clang) wanted="$wanted clang llvm" ;;
    format) wanted="$wanted clang-format-16" ;;  # other versions format differently
    lint) wanted="$wanted clang-tidy python3" ;;
    *) echo "setup.sh: unknown set of packages: $what" >&2; exit 2 ;;
  esac
done

# have PACKAGE: is it there? Programs may also come from elsewhere than the package. Libraries are
# asked of dpkg or, on systems without it, looked for by one of their headers.
have() {
  case $1 in
    g++ | cmake | ccache | python3 | clang-format-16 | clang-tidy) have_program "$1" ;;
    ninja-build) have_program ninja ;;
    clang) have_program clang++ ;;
    llvm) have_program llvm-symbolizer ;;
    libhwy-dev) have_library "$1" hwy/highway.h ;;
    zlib1g-dev) have_library "$1" zlib.h ;;
    nlohmann-json3-dev) have_library "$1" nlohmann/json.hpp ;;
    libcli11-dev) have_library "$1" CLI/CLI.hpp ;;
    libgtest-dev) have_library "$1" gtest/gtest.h ;;
    *) have_library "$1" "" ;;
  esac
}

have_program() {
  command -v "$1" >/dev/null
}

have_library() {
  if have_program dpkg-query; then
    case " $installed " in *" $1 "*) true ;; *) false ;; esac
  else
    test -z "$2" || test -e "/usr/include/$2" || test -e "/usr/local/include/$2"
  fi
}

# ensure PACKAGE...: installs those that are missing.
ensure() {
  installed=""
  if have_program dpkg-query; then  # one call for all; packages it never heard of go to stderr
    installed=$(dpkg-query -W -f '${db:Status-Status}:${Package}\n' "$@" 2>/dev/null |
      sed -n 's/^installed://p' | tr '\n' ' ')
  fi
  missing=""
  for package in "$@"; do
    have "$package" || missing="$missing $package"
  done
  # shellcheck disable=SC2086  # a list of words
  test -z "$missing" || install $missing
}

install() {
  if ! have_program apt-get; then
    echo "Entasis needs these Debian packages or their like: $*" >&2
    exit 1
  elif [ "$(id -u)" -eq 0 ]; then
    sudo=""
  elif have_program sudo && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
    sudo="sudo"
  else
    echo "Entasis needs some packages; as root, run: apt-get install $*" >&2
    exit 1
  fi

  echo "Installing $* (once, a minute or two)"
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  # The lists of packages may be absent or too old: then they are fetched and the install tried
  # again.
  if ! apt_install "$@" && ! { apt_get update && apt_install "$@"; }; then
    tail -n 20 "$log" >&2
    echo "Entasis could not install: $*" >&2
    exit 1
  fi
}

apt_install() {
  apt_get install --yes --no-install-recommends "$@"
}

apt_get() {
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 \
    -o DPkg::Lock::Timeout=300 "$@" >>"$log" 2>&1
}

# shellcheck disable=SC2086  # a list of words
ensure $wanted
case " $* " in
  *" clang "*)  # its sanitizer run-times are a package of their own, named by its version
    ensure "libclang-rt-$(clang++ -dumpversion | cut -d. -f1)-dev"
    ;;
esac
