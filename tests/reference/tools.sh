#!/usr/bin/env bash
# The linter, the generators of clients and the fuzzer, in pinned versions: tools.sh DIR. Instant when
# they are there.
#
#   DIR/venv/bin              what requirements.txt names
#   DIR/node/node_modules     what package.json names
set -euo pipefail
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")

dir=$1
mkdir -p "$dir"
dir=$(realpath "$dir")
exec 9>"$dir/lock"
flock 9
wanted=$(cat "$here/requirements.txt" "$here/package.json")
[[ -r $dir/installed && $(<"$dir/installed") == "$wanted" ]] && exit

unreachable() {
  echo "$1 cannot be had: is the package registry reachable? Once they are there, no network is needed." >&2
  exit 1
}

for program in python3 npm node; do
  command -v "$program" >/dev/null || {
    echo "$program is missing: apt-get install python3-venv npm nodejs" >&2
    exit 1
  }
done
rm -rf "$dir/venv" "$dir/node" "$dir/installed"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --disable-pip-version-check --retries 1 \
  -r "$here/requirements.txt" || unreachable "the packages of requirements.txt"
mkdir "$dir/node"
cp "$here/package.json" "$dir/node/"
npm install --silent --no-audit --no-fund --no-package-lock --prefix "$dir/node" ||
  unreachable "the packages of package.json"
echo "$wanted" >"$dir/installed"
