#!/usr/bin/env bash
# Put moto, pinned, into an environment of its own in a cache folder: its packages stay out of the project's lock.
#   tests/moto/install.sh [FOLDER]        does nothing when it is there already
set -euo pipefail
folder=${1:-$HOME/.cache/steadyhand-ci/moto}
lock=$(dirname "$0")/../../requirements/moto.txt
if ! cmp -s "$lock" "$folder/installed.txt"; then
  "${PYTHON:-python3}" -m venv "$folder"
  "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
  cp "$lock" "$folder/installed.txt"
fi
