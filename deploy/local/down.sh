#!/usr/bin/env bash
# make down: stops everything that make up started; keeps the data.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
. "$here/log.sh"
. "$here/net.sh"
. "$here/process.sh"
. "$here/instance.sh"
. "$here/checkout.sh"
. "$here/services.sh"

main() {
  local started
  [[ -d $state ]] || { log_step "nothing is running"; return; }
  open_instance "$state"
  exec 9>"$state/run/up.lock"
  flock 9
  started=$(now_ms)
  stop_services
  "$here/stores.sh" stop "$state"
  log_step "stopped; the data in .local/ is kept" "$started"
}

main "$@"
