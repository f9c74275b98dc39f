#!/usr/bin/env bash
# make test: runs all tests with private stores; arguments are passed to the test runner.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
. "$here/log.sh"
. "$here/net.sh"
. "$here/process.sh"
. "$here/instance.sh"
. "$here/checkout.sh"
. "$here/packages.sh"
. "$here/private.sh"

main() {
  # The stories also pay with clients written in Python, JavaScript and curl.
  need compiler postgres rabbitmq python node curl
  build --workspace --bins --tests
  with_private_stores "$state/test"
  if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --locked --workspace "$@"
  else
    cargo test --locked --workspace "$@"
  fi
}

main "$@"
