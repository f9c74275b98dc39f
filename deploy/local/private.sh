# shellcheck shell=bash disable=SC2154 # set by checkout.sh
# Private stores for one run of the tests or benchmarks.

# with_private_stores DIR [BINARIES]: starts the stores, and stops them whenever the script exits.
# Exports SLUICE_TEST_STORES (their directory; stores.env in it has the URLs) and
# SLUICE_TEST_BINARIES (the directory of api, workers, sluice and sluice-sandbox).
with_private_stores() {
  stores=$1
  trap '"$here/stores.sh" kill "$stores"' EXIT
  trap 'exit 130' INT TERM
  "$here/stores.sh" start "$stores"
  # Tests must not touch the caller's database or broker, nor may sqlx check queries against it.
  unset DATABASE_URL AMQP_URL
  export SQLX_OFFLINE=true SLUICE_TEST_STORES=$stores
  export SLUICE_TEST_BINARIES=${2:-$(target_dir)/debug}
  cd "$root" || exit
}
