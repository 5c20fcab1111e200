#!/usr/bin/env bash
# Put Oracle's MySQL server, which Debian has in `sid` alone, into a cache folder with every library it needs, the C library
# included: nothing is installed on the machine. Its tests skip, with a reason, where it is missing.
#   tests/mysql/install.sh [FOLDER]        does nothing when it is there already
set -euo pipefail
folder=${1:-$HOME/.cache/steadyhand-ci/mysql}
keys=/usr/share/keyrings/debian-archive-keyring.gpg
if [ -x "$folder/mysqld" ]; then exit 0; fi
if ! command -v apt-get >/dev/null || [ ! -e "$keys" ]; then echo "no MySQL: this is not Debian" >&2; exit 0; fi
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Label: Debian' | head -n 1)
if [ -z "$mirror" ]; then echo "no MySQL: no archive of Debian is set up here, or apt-get update never ran" >&2; exit 0; fi

rm -rf "$folder"
mkdir -p "$folder"/apt/{state/lists/partial,cache/archives/partial} "$folder/root"
: >"$folder/apt/status"  # as if nothing were installed: all that is needed is fetched
cat >"$folder/apt/sid.sources" <<SOURCES
Types: deb
URIs: $mirror
Suites: sid
Components: main
Signed-By: $keys
SOURCES
of_sid=(-qq -o Dir::Etc::sourcelist="$folder/apt/sid.sources" -o Dir::Etc::sourceparts=/dev/null
  -o Dir::State="$folder/apt/state" -o Dir::State::status="$folder/apt/status" -o Dir::Cache="$folder/apt/cache"
  -o APT::Sandbox::User= -o Debug::NoLocking=true -o APT::Install-Recommends=false)
if ! apt-get "${of_sid[@]}" update || ! apt-get "${of_sid[@]}" --yes --download-only install mysql-server-core >/dev/null; then
  echo "no MySQL: sid does not give a whole one today" >&2
  exit 0
fi
for package in "$folder"/apt/cache/archives/*.deb; do dpkg-deb --extract "$package" "$folder/root"; done
rm -rf "$folder/apt"

libraries=$folder/root/usr/lib/$(uname -m)-linux-gnu
cat >"$folder/mysqld" <<PROGRAM
#!/bin/sh
exec $libraries/ld-linux-*.so.? --library-path $libraries $folder/root/usr/sbin/mysqld "\$@"
PROGRAM
chmod 755 "$folder/mysqld"
