#!/usr/bin/env bash
# make up: from a bare machine with cargo to a running gateway, and a payment through it.
# Whatever is there already is used as it is, so the second time is quick.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
. "$here/say.sh"
. "$here/net.sh"
. "$here/process.sh"
. "$here/instance.sh"
. "$here/postgres.sh"
. "$here/rabbitmq.sh"
. "$here/checkout.sh"
. "$here/packages.sh"
. "$here/services.sh"
. "$here/keys.sh"

# The stores given by the environment are used as they are; the others are our own.
install_what_is_missing() {
  local things=(compiler)
  [[ -n ${DATABASE_URL:-} ]] || things+=(postgres)
  [[ -n ${AMQP_URL:-} ]] || things+=(rabbitmq)
  need "${things[@]}"
}

start_stores() {
  case ${DATABASE_URL:+given}/${AMQP_URL:+given} in
  /) "$here/stores.sh" start "$state" ;;
  given/) "$here/stores.sh" start-rabbitmq "$state" ;;
  /given) "$here/stores.sh" start-postgres "$state" ;;
  esac
  database_url=${DATABASE_URL:-$(postgres_url)}
  amqp_url=${AMQP_URL:-$(amqp_url)}
}

migrate() {
  local started
  started=$(now_ms)
  sluice migrate || fail "the migration failed" \
    "if this database was made by another version of the schema, make clean begins anew"
  said "migrated" "$started"
}

say_where_the_api_is() {
  [[ $api_at == *:8000 ]] || said "port 8000 is taken: the API listens on ${api_at##*:} instead"
  [[ $api_too_at == *:3000 ]] || said "port 3000 is taken: the API listens on ${api_too_at##*:} instead"
}

demonstrate() {
  printf '\n'
  (
    set -a
    # shellcheck source=/dev/null
    . "$state/sandbox.env"
    only_env PATH=/usr/bin:/bin "SLUICE_URL=$SLUICE_URL" "SLUICE_TEST_KEY=$SLUICE_TEST_KEY" \
      "SLUICE_SANDBOX_URL=$SLUICE_SANDBOX_URL" "SLUICE_DEMO_FILE=$state/secrets/demo.json"
    exec "$(target_dir)/release/sluice" demo
  ) || fail "the demonstration failed" "the logs are in .local/log/"
}

say_what_next() {
  cat <<'NEXT'

What to try next
  a payment     . .local/sandbox.env
                curl -s "$SLUICE_URL/v1/payments" -H "Authorization: Bearer $SLUICE_TEST_KEY" \
                  -H 'Content-Type: application/json' -d '{"amount":5000,"currency":"USD",
                  "payment_method":"card","card":{"number":"4242424242424242",
                  "exp_month":12,"exp_year":2030,"cvc":"123"}}'
  the keys      .local/sandbox.env
  the books     target/release/sluice verify      the jobs   target/release/sluice jobs list
  the logs      tail -f .local/log/*.log
  the database  psql "$SLUICE_DATABASE_URL"
  stop          make down     (make clean also removes the data)
NEXT
}

main() {
  local started
  started=$(now_ms)
  install_what_is_missing
  open_instance "$state"
  # One at a time; the processes we start do not inherit the lock.
  exec 9>"$state/run/up.lock"
  flock 9
  build --release --bins
  start_stores
  make_keys
  migrate
  make_merchants
  take_addresses
  start_services
  say_where_the_api_is
  write_sandbox_env
  demonstrate
  printf '\n'
  said "up" "$started"
  say_what_next
}

main "$@"
