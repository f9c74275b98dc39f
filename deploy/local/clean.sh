#!/usr/bin/env bash
# make clean: stops everything and removes the data. target/ stays, so the next make up is fast.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
. "$here/log.sh"
. "$here/checkout.sh"

main() {
  local ports
  "$here/down.sh"
  # Stores left over from an interrupted make test or make bench.
  for ports in "$state"/*/ports.env; do
    [[ ! -f $ports ]] || "$here/stores.sh" remove "${ports%/*}"
  done
  [[ ! -d $state ]] || "$here/stores.sh" remove "$state"
  log_step "removed .local/ (the build in target/ is kept)"
}

main "$@"
