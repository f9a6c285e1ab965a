# shellcheck shell=bash
# Sourced by quickstart, test and lint: makes .venv from the locked requirements, once. Needs bash 3.2 or newer.
#
# Files in .venv tell how far it got: .trainband-installing stands there while packages are being installed, and
# .trainband-KIND holds, afterwards, a checksum of all that the environment of that kind was made from.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
VENV=$ROOT/.venv
PY=$VENV/bin/python
MARK=$VENV/.trainband
PYTHON_NAMES="python3 python3.13 python3.12 python3.11 python"

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die() {
  local status=$1
  shift
  say "$*"
  exit "$status"
}

python_fits() {
  "$1" -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1
}

find_python() {  # sets FOUND
  local name
  if [ -n "${PYTHON:-}" ]; then
    python_fits "$PYTHON" || die 2 "PYTHON=$PYTHON is no Python 3.11, 3.12 or 3.13 with the modules venv and ensurepip; name one that is, or unset PYTHON"
    FOUND=$PYTHON
    return
  fi
  for name in $PYTHON_NAMES; do
    if python_fits "$name"; then
      FOUND=$name
      return
    fi
  done
  die 2 "no Python 3.11, 3.12 or 3.13 with the modules venv and ensurepip among: $PYTHON_NAMES. Install one (Debian, Ubuntu: packages python3 and python3-venv), or name one: PYTHON=/path/to/python ${0##*/}"
}

stamp_of() {
  (
    cd "$ROOT" || exit
    { printf '%s\n' "$ROOT" "$1"; cat requirements/bootstrap.txt "requirements/$1.txt" setup.py pyproject.toml scripts/__init__.py .venv/pyvenv.cfg; } | cksum
  )
}

is_current() {
  [ -x "$PY" ] && [ -f "$MARK-$1" ] && [ ! -e "$MARK-installing" ] && [ "$(cat "$MARK-$1")" = "$(stamp_of "$1")" ]
}

is_ours() { [ -e "$MARK-installing" ] || [ -e "$MARK-base" ] || [ -e "$MARK-test" ]; }

same_python() {  # true where $PYTHON is not set, or is what .venv was made from
  local ask='import os, sys; print(os.path.realpath(sys.base_prefix), sys.version)'
  [ -z "${PYTHON:-}" ] || [ "$("$PYTHON" -c "$ask" 2>/dev/null)" = "$("$PY" -c "$ask" 2>/dev/null)" ]
}

prepare_venv() {
  if [ -e "$VENV" ] && [ ! -e "$MARK-installing" ] && python_fits "$PY" && same_python; then
    : >"$MARK-installing"
  else
    if [ -e "$VENV" ] && ! is_ours; then
      die 2 "$VENV was not made by this script and does not hold the Python that is wanted; move it away and start again"
    fi
    find_python
    say "making .venv with $("$FOUND" -c 'import sys; print(sys.executable, "%d.%d.%d" % sys.version_info[:3])')"
    rm -rf "$VENV"
    mkdir "$VENV"
    : >"$MARK-installing"
    "$FOUND" -m venv "$VENV"
  fi
  rm -f "$MARK-base" "$MARK-test"
}

pip_quietly() { "$PY" -m pip --disable-pip-version-check "$1" -qq "${@:2}"; }

uv_install() {
  local volume=--quiet
  if [ -t 2 ]; then volume=--no-color; fi
  UV_PYTHON_DOWNLOADS=never "$VENV/bin/uv" pip install --python "$PY" "$volume" "$@"
}

install_locked() {
  local lock=requirements/$1.txt
  pip_quietly install --require-hashes -r requirements/bootstrap.txt
  # Bytecode now: the first import of TensorFlow takes twice as long without.
  if ! uv_install --require-hashes --compile-bytecode -r "$lock"; then
    say "uv could not install $lock; trying pip, which knows other settings of indexes and proxies"
    pip_quietly install --require-hashes -r "$lock"
  fi
  uv_install --no-deps --no-build-isolation --editable . || pip_quietly install --no-deps --no-build-isolation --editable .
}

setup_env() {  # KIND is base or test; test holds base
  if { is_current "$1" || { [ "$1" = base ] && is_current test; }; } && same_python; then
    return
  fi
  local start=$SECONDS
  prepare_venv
  say "installing requirements/$1.txt into .venv (0.8 to 0.9 GB to download where nothing is cached)"
  (
    cd "$ROOT" || exit
    install_locked "$1"
  )
  stamp_of "$1" >"$MARK-$1"
  rm "$MARK-installing"
  say "environment ready after $((SECONDS - start)) s"
}
