#!/usr/bin/env bash
# make bench: runs the benchmarks with release binaries and private stores, and passes arguments on.
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
  need compiler postgres rabbitmq
  build --release --workspace --bins
  with_private_stores "$state/bench" "$(target_dir)/release"
  cargo run --quiet --locked --release --package tests --bin bench -- "$@"
}

main "$@"
