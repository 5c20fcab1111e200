#!/usr/bin/env bash
# Put the vendors' own clients, pinned, into an environment of their own in a cache folder, and with npm Grafana's grammars.
#   tests/vendor_clients/install.sh [FOLDER]        does nothing when it is there already
set -euo pipefail
folder=${1:-$HOME/.cache/steadyhand-ci/vendor-clients}
here=$(cd "$(dirname "$0")" && pwd)
lock=$here/../../requirements/vendors.txt
if ! cmp -s "$lock" "$folder/installed.txt"; then
  "${PYTHON:-python3}" -m venv "$folder"
  "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
  cp "$lock" "$folder/installed.txt"
fi
if command -v npm >/dev/null && ! cmp -s "$here/package-lock.json" "$folder/package-lock.json"; then
  cp "$here/package.json" "$here/package-lock.json" "$folder/"
  npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel=error >&2
fi
