#!/usr/bin/env bash
# make up: turns a machine with only cargo into a running gateway and makes a payment.
# Everything that already exists or runs is reused, so repeating it is fast.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
. "$here/log.sh"
. "$here/net.sh"
. "$here/process.sh"
. "$here/instance.sh"
. "$here/postgres.sh"
. "$here/rabbitmq.sh"
. "$here/checkout.sh"
. "$here/packages.sh"
. "$here/services.sh"
. "$here/keys.sh"

# Stores set by DATABASE_URL or AMQP_URL are used; the others run in this checkout.
install_requirements() {
  local things=(compiler)
  [[ -n ${DATABASE_URL:-} ]] || things+=(postgres)
  [[ -n ${AMQP_URL:-} ]] || things+=(rabbitmq)
  need "${things[@]}"
}

start_stores() {
  case ${DATABASE_URL:+set}/${AMQP_URL:+set} in
  /) "$here/stores.sh" start "$state" ;;
  set/) "$here/stores.sh" start-rabbitmq "$state" ;;
  /set) "$here/stores.sh" start-postgres "$state" ;;
  esac
  database_url=${DATABASE_URL:-$(postgres_url)}
  amqp_url=${AMQP_URL:-$(amqp_url)}
}

migrate() {
  local started
  started=$(now_ms)
  sluice migrate >>"$state/log/migrate.log" || fail "the migration failed" \
    "if this database has an older, incompatible schema: run make clean to start over"
  log_step "migrated" "$started"
}

log_changed_ports() {
  [[ $api_address == *:8000 ]] ||
    log_step "port 8000 is taken: the API listens on port ${api_address##*:}"
  [[ $api_second_address == *:3000 ]] ||
    log_step "port 3000 is taken: the API listens on port ${api_second_address##*:}"
}

# run_demo: makes a payment. The gateway runs whether it succeeds or not, so a failure only warns.
run_demo() {
  printf '\n'
  (
    set -a
    # shellcheck source=/dev/null
    . "$state/sandbox.env"
    only_env PATH=/usr/bin:/bin "SLUICE_URL=$SLUICE_URL" "SLUICE_TEST_KEY=$SLUICE_TEST_KEY" \
      "SLUICE_SANDBOX_URL=$SLUICE_SANDBOX_URL" "SLUICE_DEMO_FILE=$state/secrets/demo.json"
    exec "$(target_dir)/release/sluice" demo
  ) || warn "the gateway runs, but its demonstration failed (above)" \
    "try again: target/release/sluice demo" \
    "what needs a person: target/release/sluice status" "the logs: .local/log/"
}

print_next_steps() {
  printf '\nNext steps\n  documentation http://%s/docs\n' "$api_address"
  cat <<'NEXT'
  a payment     . .local/sandbox.env
                curl -s "$SLUICE_URL/v1/payments" -H "Authorization: Bearer $SLUICE_TEST_KEY" \
                  -H 'Content-Type: application/json' -d '{"amount":5000,"currency":"USD",
                  "payment_method":"card","card":{"number":"4242424242424242",
                  "exp_month":12,"exp_year":2030,"cvc":"123"}}'
  the keys      .local/sandbox.env
  the state     target/release/sluice status      check      target/release/sluice verify
  the logs      tail -f .local/log/*.log
  the database  psql "$SLUICE_DATABASE_URL"
  stop          make down     (make clean also removes the data)
NEXT
}

main() {
  local started
  started=$(now_ms)
  install_requirements
  open_instance "$state"
  # Only one make up or make down at a time; the processes we start do not inherit the lock.
  exec 9>"$state/run/up.lock"
  flock 9
  build --release --bins
  start_stores
  make_keys
  migrate
  create_merchants
  choose_addresses
  start_services
  log_changed_ports
  write_sandbox_env
  run_demo
  printf '\n'
  log_step "up" "$started"
  print_next_steps
}

main "$@"
