#!/usr/bin/env bash
# Fetch the real Claude Code client, pinned, into a cache folder: the platform package holds a binary that needs no Node.
#   tests/claude/install.sh [FOLDER]        prints the binary's path; does nothing when it is there already
set -euo pipefail
version=2.1.330
folder=${1:-$HOME/.cache/steadyhand-ci/claude}
case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) platform=linux-x64 ;;
  Linux-aarch64) platform=linux-arm64 ;;
  Darwin-arm64) platform=darwin-arm64 ;;
  Darwin-x86_64) platform=darwin-x64 ;;
  *) echo "no client for $(uname -s) $(uname -m)" >&2; exit 69 ;;
esac
binary=$folder/node_modules/@anthropic-ai/claude-code-$platform/claude
if ! "$binary" --version 2>/dev/null | grep -qF "$version"; then
  mkdir -p "$folder"
  # --ignore-scripts: the postinstall only links the binary that the platform package already holds
  npm install --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel=error \
    "@anthropic-ai/claude-code@$version" >&2
fi
"$binary" --version | grep -qF "$version" || { echo "$binary is not version $version" >&2; exit 70; }
echo "$binary"
