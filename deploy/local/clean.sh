#!/usr/bin/env bash
# make clean: make down, and the data removed. target/ stays, so that the next make up is quick.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
. "$here/say.sh"
. "$here/checkout.sh"

main() {
  local ports
  "$here/down.sh"
  # Stores left by an interrupted make test or make bench.
  for ports in "$state"/*/ports.env; do
    [[ ! -f $ports ]] || "$here/stores.sh" remove "${ports%/*}"
  done
  [[ ! -d $state ]] || "$here/stores.sh" remove "$state"
  said "removed .local/ (what cargo built stays in target/)"
}

main "$@"
