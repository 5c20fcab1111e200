#!/usr/bin/env bash
# Put the vendors' own clients, pinned, into an environment of their own in a cache folder; with npm Grafana's grammars, and
# the schema of Atlassian's document format: one file of a package whose many others and their needs nobody needs here.
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
adf=@atlaskit/adf-schema@57.7.22
sum=eaffdc366a365663a602354a67c94fd0b86d9f39474699e1875c181be4eb1da6bdc41fda147bfe8911b22716fa7f97d99e257bc11d802530303a69edc100f773
if command -v npm >/dev/null && [ "$(cat "$folder/adf.txt" 2>/dev/null)" != "$adf" ]; then
  got=$(mktemp -d)
  trap 'rm -rf "$got"' EXIT
  (cd "$got" && npm pack --silent "$adf" >/dev/null && mv ./*.tgz adf.tgz && echo "$sum  adf.tgz" | sha512sum --check --quiet)
  tar -xzf "$got/adf.tgz" -C "$got" package/dist/json-schema/v1/full.json
  mv "$got/package/dist/json-schema/v1/full.json" "$folder/adf.json"
  echo "$adf" >"$folder/adf.txt"
fi
