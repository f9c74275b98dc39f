# shellcheck shell=bash disable=SC2154 # set by checkout.sh and up.sh
# The processes of Sluice: what each one runs, the little it is told, and whether it runs.

# In the order they are stopped; started they are all at once.
SERVICES=(api card refund webhook scheduler sandbox)

# take_addresses: one for each process, kept from start to start. The API, when it does not run,
# tries the ports of the contracts first, whatever it got last time.
take_addresses() {
  local ports=$state/ports.env
  scheduler_at=127.0.0.1:$(port_of scheduler keep_port SCHEDULER 30721)
  card_at=127.0.0.1:$(port_of card keep_port CARD 30722)
  refund_at=127.0.0.1:$(port_of refund keep_port REFUND 30725)
  webhook_at=127.0.0.1:$(port_of webhook keep_port WEBHOOK 30723)
  sandbox_at=127.0.0.1:$(port_of sandbox keep_port SANDBOX 30724)
  api_at=127.0.0.1:$(port_of api take_port API 8000)
  api_too_at=127.0.0.1:$(port_of api take_port API_TOO 3000)
}

# port_of SERVICE CHOOSE NAME FIRST: a running one has its own.
port_of() {
  if service_alive "$1" && kept_port "$ports" "$3"; then return; fi
  "$2" "$ports" "$3" "$4"
}

# describe NAME: sets program, arguments and variables; each process gets only what it needs.
describe() {
  local secrets=$state/secrets
  program=$(target_dir)/release/workers
  arguments=("$1")
  variables=(
    PATH=/usr/bin:/bin
    ${RUST_LOG:+"RUST_LOG=$RUST_LOG"} ${RUST_BACKTRACE:+"RUST_BACKTRACE=$RUST_BACKTRACE"}
  )
  [[ $1 == sandbox ]] || variables+=("DATABASE_URL=$database_url" "AMQP_URL=$amqp_url")
  case $1 in
  api)
    program=$(target_dir)/release/api
    arguments=()
    variables+=(
      "SLUICE_LISTEN=$api_at,$api_too_at"
      "SLUICE_IDEMPOTENCY_KEY_FILE=$secrets/idempotency.key"
      "SLUICE_WEBHOOK_KEY_FILE=$secrets/webhook.key" SLUICE_WEBHOOK_LOCAL=true
    )
    ;;
  scheduler) variables+=("SLUICE_HEALTH_LISTEN=$scheduler_at") ;;
  card)
    variables+=(
      "SLUICE_HEALTH_LISTEN=$card_at" "SLUICE_SANDBOX_URL=http://$sandbox_at"
      "SLUICE_CARD_KEYS_DIR=$secrets/card"
    )
    ;;
  refund)
    variables+=("SLUICE_HEALTH_LISTEN=$refund_at" "SLUICE_SANDBOX_URL=http://$sandbox_at")
    ;;
  webhook)
    variables+=(
      "SLUICE_HEALTH_LISTEN=$webhook_at"
      "SLUICE_WEBHOOK_KEY_FILE=$secrets/webhook.key" SLUICE_WEBHOOK_LOCAL=true
    )
    ;;
  sandbox)
    program=$(target_dir)/release/sluice-sandbox
    arguments=()
    variables+=(
      "SLUICE_SANDBOX_LISTEN=$sandbox_at"
      "SLUICE_SANDBOX_LOG=$state/sandbox/acquirer.jsonl"
    )
    ;;
  esac
}

# ready_at NAME: the addresses that must answer.
ready_at() {
  case $1 in
  api) echo "$api_at $api_too_at" ;;
  scheduler) echo "$scheduler_at" ;;
  card) echo "$card_at" ;;
  refund) echo "$refund_at" ;;
  webhook) echo "$webhook_at" ;;
  sandbox) echo "$sandbox_at" ;;
  esac
}

# executable NAME: what the recorded process runs; "(deleted)" once it has been built anew.
executable() {
  local pid
  pid=$(recorded "$state/run/$1.pid") && readlink "/proc/$pid/exe"
}

# service_alive NAME: is the recorded process the program that we started?
service_alive() {
  local exe
  exe=$(executable "$1") && [[ -r $state/run/$1.program ]] &&
    [[ ${exe% (deleted)} == "$(<"$state/run/$1.program")" ]]
}

# fingerprint: of what describe has set, to see that a running process was told the same.
fingerprint() {
  printf '%s\n' "$program" "${arguments[@]}" "${variables[@]}" | sha256sum | cut -c1-64
}

# service_current NAME: is it running, from the binary as it is now, with these settings?
service_current() {
  service_alive "$1" && [[ $(executable "$1") == "$program" ]] &&
    [[ $(<"$state/run/$1.settings") == "$(fingerprint)" ]]
}

# start_service NAME: starts it, or starts it anew when it is not what it should be.
start_service() {
  local run=$state/run
  describe "$1"
  program=$(realpath "$program")
  service_current "$1" && return
  stop_service "$1"
  echo "$program" >"$run/$1.program"
  fingerprint >"$run/$1.settings"
  (
    only_env "${variables[@]}"
    cd "$root" || exit
    detach "$run/$1.pid" "$state/log/$1.log" "$program" "${arguments[@]}"
  )
}

stop_service() {
  terminate "$state/run/$1.pid" TERM 15 service_alive "$1"
}

# wait_service NAME UNTIL_MS: until every address of it says that it is ready.
wait_service() {
  local at
  for at in $(ready_at "$1"); do
    until [[ $(http_status "$at" /readyz) == 200 ]]; do
      if (($(now_ms) > $2)) || ! exists "$state/run/$1.pid"; then
        show_tail "$state/log/$1.log"
        fail "$1 does not become ready on $at"
      fi
      sleep 0.05
    done
  done
}

start_services() {
  local started name
  started=$(now_ms)
  for name in sandbox scheduler card refund webhook api; do
    start_service "$name"
  done
  for name in sandbox scheduler card refund webhook api; do
    wait_service "$name" $((started + 30000))
    said "$name on $(ready_at "$name" | sed 's/ /, /')" "$started"
  done
}

stop_services() {
  local name started
  for name in "${SERVICES[@]}"; do
    service_alive "$name" || continue
    started=$(now_ms)
    stop_service "$name"
    said "$name stopped" "$started"
  done
}
