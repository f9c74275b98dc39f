# shellcheck shell=bash disable=SC2154 # set by checkout.sh and up.sh
# The processes of Sluice: program, settings, start and stop.

# In the order in which they are stopped; they are started together.
SERVICES=(api card refund webhook scheduler sandbox)

# choose_addresses: the address of each process, stable between starts. A stopped API always tries
# the documented ports 8000 and 3000 first, whatever it used before.
choose_addresses() {
  local ports=$state/ports.env
  scheduler_address=127.0.0.1:$(port_of scheduler reuse_port SCHEDULER 30721)
  card_address=127.0.0.1:$(port_of card reuse_port CARD 30722)
  refund_address=127.0.0.1:$(port_of refund reuse_port REFUND 30725)
  webhook_address=127.0.0.1:$(port_of webhook reuse_port WEBHOOK 30723)
  sandbox_address=127.0.0.1:$(port_of sandbox reuse_port SANDBOX 30724)
  api_address=127.0.0.1:$(port_of api choose_port API 8000)
  api_second_address=127.0.0.1:$(port_of api choose_port API_TOO 3000)
  api_health_address=127.0.0.1:$(port_of api reuse_port API_HEALTH 30726)
}

# port_of SERVICE CHOOSE NAME FIRST: the port of a running service, or a port chosen by CHOOSE.
port_of() {
  if service_alive "$1" && recorded_port "$ports" "$3"; then return; fi
  "$2" "$ports" "$3" "$4"
}

# describe NAME: sets program, arguments and variables. Each process gets only what it needs.
describe() {
  local secrets=$state/secrets
  program=$(target_dir)/release/workers
  arguments=("$1")
  variables=(
    PATH=/usr/bin:/bin
    ${RUST_LOG:+"RUST_LOG=$RUST_LOG"} ${RUST_BACKTRACE:+"RUST_BACKTRACE=$RUST_BACKTRACE"}
  )
  [[ $1 == sandbox ]] || variables+=("DATABASE_URL=$(role_url "$1")" "AMQP_URL=$amqp_url")
  case $1 in
  api)
    program=$(target_dir)/release/api
    arguments=()
    variables+=(
      "SLUICE_LISTEN=$api_address,$api_second_address" "SLUICE_HEALTH_LISTEN=$api_health_address"
      "SLUICE_IDEMPOTENCY_KEY_FILE=$secrets/idempotency.key"
      "SLUICE_WEBHOOK_KEY_FILE=$secrets/webhook.key" SLUICE_WEBHOOK_LOCAL=true
    )
    ;;
  scheduler) variables+=("SLUICE_HEALTH_LISTEN=$scheduler_address") ;;
  card)
    variables+=(
      "SLUICE_HEALTH_LISTEN=$card_address" "SLUICE_SANDBOX_URL=http://$sandbox_address"
      "SLUICE_CARD_KEYS_DIR=$secrets/card"
    )
    ;;
  refund)
    variables+=("SLUICE_HEALTH_LISTEN=$refund_address" "SLUICE_SANDBOX_URL=http://$sandbox_address")
    ;;
  webhook)
    variables+=(
      "SLUICE_HEALTH_LISTEN=$webhook_address"
      "SLUICE_WEBHOOK_KEY_FILE=$secrets/webhook.key" SLUICE_WEBHOOK_LOCAL=true
    )
    ;;
  sandbox)
    program=$(target_dir)/release/sluice-sandbox
    arguments=()
    variables+=(
      "SLUICE_SANDBOX_LISTEN=$sandbox_address"
      "SLUICE_SANDBOX_LOG=$state/sandbox/acquirer.jsonl"
    )
    ;;
  esac
}

# health_addresses NAME: prints the addresses that serve /readyz.
health_addresses() {
  case $1 in
  api) echo "$api_address $api_second_address" ;;
  scheduler) echo "$scheduler_address" ;;
  card) echo "$card_address" ;;
  refund) echo "$refund_address" ;;
  webhook) echo "$webhook_address" ;;
  sandbox) echo "$sandbox_address" ;;
  esac
}

# executable NAME: prints the running binary; with "(deleted)" after a rebuild.
executable() {
  local pid
  pid=$(recorded_pid "$state/run/$1.pid") && readlink "/proc/$pid/exe"
}

# service_alive NAME: whether the recorded process is the program that we started.
service_alive() {
  local exe
  exe=$(executable "$1") && [[ -r $state/run/$1.program ]] &&
    [[ ${exe% (deleted)} == "$(<"$state/run/$1.program")" ]]
}

# fingerprint: prints a hash of what describe has set, to detect changed settings.
fingerprint() {
  printf '%s\n' "$program" "${arguments[@]}" "${variables[@]}" | sha256sum | cut -c1-64
}

# service_current NAME: whether it runs the current binary with the current settings.
service_current() {
  service_alive "$1" && [[ $(executable "$1") == "$program" ]] &&
    [[ $(<"$state/run/$1.settings") == "$(fingerprint)" ]]
}

# start_service NAME: starts it, or restarts it if its binary or settings have changed.
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

# wait_service NAME UNTIL_MS: waits until /readyz returns 200 on all of its addresses.
wait_service() {
  local address
  for address in $(health_addresses "$1"); do
    until [[ $(http_status "$address" /readyz) == 200 ]]; do
      if (($(now_ms) > $2)) || ! exists "$state/run/$1.pid"; then
        show_tail "$state/log/$1.log"
        fail "$1 is not ready on $address"
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
    log_step "$name on $(health_addresses "$name" | sed 's/ /, /')" "$started"
  done
}

stop_services() {
  local name started
  for name in "${SERVICES[@]}"; do
    service_alive "$name" || continue
    started=$(now_ms)
    stop_service "$name"
    log_step "$name stopped" "$started"
  done
}
