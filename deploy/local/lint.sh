#!/usr/bin/env bash
# make lint: what must hold before anything is merged, without running it.
set -euo pipefail
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
cd "$here/../.."

cargo fmt --all --check
env -u DATABASE_URL SQLX_OFFLINE=true \
  cargo clippy --workspace --all-targets --locked -- -D warnings
if command -v shellcheck >/dev/null; then
  shellcheck -x deploy/local/*.sh .ci/run
else
  echo "shellcheck is not installed: the scripts were not checked"
fi
