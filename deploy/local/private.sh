# shellcheck shell=bash disable=SC2154 # set by checkout.sh
# Stores for one run of tests or measurements, stopped at its end however it ends.

# with_private_stores DIR [BINARIES]: starts them, and stops them when the script exits. What follows
# is told SLUICE_TEST_STORES (the directory; how to connect is in its stores.env) and
# SLUICE_TEST_BINARIES (where api, workers, sluice and sluice-sandbox are).
with_private_stores() {
  stores=$1
  trap '"$here/stores.sh" kill "$stores"' EXIT
  trap 'exit 130' INT TERM
  "$here/stores.sh" start "$stores"
  # A database or broker of the caller's must be touched by no test and asked by no build.
  unset DATABASE_URL AMQP_URL
  export SQLX_OFFLINE=true SLUICE_TEST_STORES=$stores
  export SLUICE_TEST_BINARIES=${2:-$(target_dir)/debug}
  cd "$root" || exit
}
