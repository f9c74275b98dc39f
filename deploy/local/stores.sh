#!/usr/bin/env bash
# A private Postgres and a private RabbitMQ, everything of them below one directory.
# Several instances run side by side; all commands may be repeated.
#
#   stores.sh start|stop DIR                  both (started at once)
#   stores.sh start-postgres|stop-postgres DIR
#   stores.sh start-rabbitmq|stop-rabbitmq DIR
#   stores.sh kill DIR                        both at once, like a power cut (quick; data kept)
#   stores.sh env DIR                         how to connect; also kept in DIR/stores.env
#   stores.sh remove DIR                      stop, and delete the data
#
# For tests: kill -9 "$(<DIR/run/postgres.pid)" or rabbitmq.pid, wipe a broker that is down with
# rm -rf DIR/rabbitmq/data, and start-postgres or start-rabbitmq again: same ports, same passwords.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
. "$here/say.sh"
. "$here/net.sh"
. "$here/process.sh"
. "$here/instance.sh"
. "$here/postgres.sh"
. "$here/rabbitmq.sh"

usage() {
  sed -n '2,/^# shellcheck/{/^# shellcheck/d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
  exit 2
}

# alone STORE FUNCTION: one start or stop of a store at a time, whoever asks.
alone() {
  (
    flock 9
    "$2"
  ) 9>"$dir/run/$1.lock"
}

# both FUNCTION...: at once; fails when one does.
both() {
  local first second status=0
  alone postgres "$1" &
  first=$!
  alone rabbitmq "$2" &
  second=$!
  wait "$first" || status=1
  wait "$second" || status=1
  return "$status"
}

# kill_both: Postgres and RabbitMQ lose nothing by it, and RabbitMQ takes six seconds to stop otherwise.
kill_both() {
  terminate "$dir/run/rabbitmq.pid" KILL 5 rabbitmq_alive
  terminate "$dir/run/epmd.pid" KILL 5 epmd_alive
  terminate "$dir/run/postgres.pid" INT 10 postgres_alive
}

print_env() {
  echo "DATABASE_URL=$(postgres_url)"
  echo "AMQP_URL=$(amqp_url)"
  echo "SLUICE_RABBITMQ_MANAGEMENT_URL=$(management_url)"
}

# keep_env: for those who only read a file. Only once both have been started.
keep_env() {
  kept_port "$dir/ports.env" POSTGRES >/dev/null && kept_port "$dir/ports.env" AMQP >/dev/null || return 0
  print_env >"$dir/stores.env.$$"
  mv "$dir/stores.env.$$" "$dir/stores.env"
}

remove() {
  both stop_postgres stop_rabbitmq
  remove_postgres
  rm -rf "$dir"
}

main() {
  (($# == 2)) || usage
  open_instance "$2"
  case $1 in
  start) both start_postgres start_rabbitmq; keep_env ;;
  stop) both stop_postgres stop_rabbitmq ;;
  start-postgres) alone postgres start_postgres; keep_env ;;
  start-rabbitmq) alone rabbitmq start_rabbitmq; keep_env ;;
  stop-postgres) alone postgres stop_postgres ;;
  stop-rabbitmq) alone rabbitmq stop_rabbitmq ;;
  kill) kill_both ;;
  env) print_env ;;
  remove) remove ;;
  *) usage ;;
  esac
}

main "$@"
