#!/usr/bin/env bash
# Other people's clients and verifiers, in pinned versions: tools.sh DIR. Instant when they are there.
#
#   DIR/venv/bin/python       with requests and standardwebhooks of PyPI
#   DIR/node/node_modules     with standardwebhooks of npm
set -euo pipefail

python=(requests==2.32.5 standardwebhooks==1.1.0)
node=(standardwebhooks@1.1.1)

dir=$1
mkdir -p "$dir"
dir=$(realpath "$dir")
exec 9>"$dir/lock"
flock 9
wanted="${python[*]} ${node[*]}"
[[ -r $dir/installed && $(<"$dir/installed") == "$wanted" ]] && exit

for program in python3 npm node curl; do
  command -v "$program" >/dev/null || {
    echo "$program is missing: apt-get install python3-venv npm nodejs curl" >&2
    exit 1
  }
done
rm -rf "$dir/venv" "$dir/node" "$dir/installed"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --disable-pip-version-check "${python[@]}"
npm install --silent --no-audit --no-fund --no-package-lock --prefix "$dir/node" "${node[@]}"
echo "$wanted" >"$dir/installed"
