#!/usr/bin/env bash
# A private Postgres and a private RabbitMQ, completely below one directory.
# Several instances can run side by side. All commands are idempotent.
#
#   stores.sh start|stop DIR                  both, in parallel
#   stores.sh start-postgres|stop-postgres DIR
#   stores.sh start-rabbitmq|stop-rabbitmq DIR
#   stores.sh kill DIR                        both immediately, like a power cut; keeps the data
#   stores.sh env DIR                         prints the connection URLs, also in DIR/stores.env
#   stores.sh remove DIR                      stops both and deletes the data
#
# For tests: kill -9 "$(<DIR/run/postgres.pid)" or rabbitmq.pid, delete the data of a stopped broker
# with rm -rf DIR/rabbitmq/data, then start-postgres or start-rabbitmq: same ports, same passwords.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
. "$here/log.sh"
. "$here/net.sh"
. "$here/process.sh"
. "$here/instance.sh"
. "$here/postgres.sh"
. "$here/rabbitmq.sh"

usage() {
  sed -n '2,/^# shellcheck/{/^# shellcheck/d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
  exit 2
}

# with_lock STORE FUNCTION: allows one start or stop of a store at a time, across processes.
with_lock() {
  (
    flock 9
    "$2"
  ) 9>"$dir/run/$1.lock"
}

# in_parallel POSTGRES_FUNCTION RABBITMQ_FUNCTION: fails if either fails.
in_parallel() {
  local first second status=0
  with_lock postgres "$1" &
  first=$!
  with_lock rabbitmq "$2" &
  second=$!
  wait "$first" || status=1
  wait "$second" || status=1
  return "$status"
}

# kill_both: loses no data, and is faster than a clean stop, which takes RabbitMQ six seconds.
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

# write_env: writes DIR/stores.env for programs that only read a file, if both were ever started.
write_env() {
  recorded_port "$dir/ports.env" POSTGRES >/dev/null && recorded_port "$dir/ports.env" AMQP >/dev/null || return 0
  print_env >"$dir/stores.env.$$"
  mv "$dir/stores.env.$$" "$dir/stores.env"
}

remove() {
  in_parallel stop_postgres stop_rabbitmq
  remove_postgres
  rm -rf "$dir"
}

main() {
  (($# == 2)) || usage
  open_instance "$2"
  case $1 in
  start) in_parallel start_postgres start_rabbitmq; write_env ;;
  stop) in_parallel stop_postgres stop_rabbitmq ;;
  start-postgres) with_lock postgres start_postgres; write_env ;;
  start-rabbitmq) with_lock rabbitmq start_rabbitmq; write_env ;;
  stop-postgres) with_lock postgres stop_postgres ;;
  stop-rabbitmq) with_lock rabbitmq stop_rabbitmq ;;
  kill) kill_both ;;
  env) print_env ;;
  remove) remove ;;
  *) usage ;;
  esac
}

main "$@"
