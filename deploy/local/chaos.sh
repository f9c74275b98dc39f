#!/usr/bin/env bash
# make chaos: runs the faults that last at full length with release binaries and private stores. The report,
# with what the tests measured, is .local/chaos.txt, the whole output .local/chaos.log. SLUICE_FAULT_SCALE says
# how many times longer than in `make test` (60).
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
  build --release --workspace --bins --tests
  with_private_stores "$state/chaos" "$(target_dir)/release"
  export SLUICE_FAULT_SCALE="${SLUICE_FAULT_SCALE:-60}"
  local report=$state/chaos.txt
  {
    echo "make chaos, $(date --utc +%F), commit $(git rev-parse --short HEAD), scale $SLUICE_FAULT_SCALE"
    cargo test --locked --release --workspace --test faults -- --test-threads 1 --nocapture endurance:: random_kills:: long_transactions:: upgrades:: shutdown:: a_dead_endpoints "$@" 2>&1
  } | tee "$state/chaos.log" | grep --line-buffered -E '^make chaos|^test |^measured:|panicked|^Error' | tee "$report"
}

main "$@"
