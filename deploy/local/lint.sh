#!/usr/bin/env bash
# make lint: all static checks.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
. "$here/log.sh"
. "$here/packages.sh"
cd "$here/../.."

need shellcheck

cargo fmt --all --check
env -u DATABASE_URL SQLX_OFFLINE=true \
  cargo clippy --workspace --all-targets --locked -- -D warnings
shellcheck -x deploy/local/*.sh .ci/run tests/reference/tools.sh tests/stories/clients/{tools,send}.sh
