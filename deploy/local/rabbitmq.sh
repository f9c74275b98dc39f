# shellcheck shell=bash disable=SC2154 # dir and tag are set by instance.sh
# A private RabbitMQ node with its own name, cookie, epmd, plugins and data below $dir/rabbitmq. All
# ports are on 127.0.0.1 (by default distribution and epmd listen on all addresses).

RABBITMQ_BIN=/usr/lib/rabbitmq/bin

# The data contains the node's name, so the name must not change, even if the host's name does.
rabbitmq_node() {
  local file=$dir/rabbitmq/node
  [[ -s $file ]] || { mkdir -p "$dir/rabbitmq" && echo "sluice_$tag@localhost" >"$file"; }
  cat "$file"
}

rabbitmq_alive() {
  alive "$dir/run/rabbitmq.pid" beam.smp "$(rabbitmq_node)"
}

epmd_alive() {
  local port
  port=$(recorded_port "$dir/ports.env" EPMD) && alive "$dir/run/epmd.pid" epmd "-port $port"
}

amqp_url() {
  local port
  port=$(recorded_port "$dir/ports.env" AMQP) || fail "RabbitMQ was never started in $dir"
  echo "amqp://sluice:$(secret rabbitmq.password 24)@127.0.0.1:$port/%2f"
}

management_url() {
  echo "http://sluice:$(secret rabbitmq.password 24)@127.0.0.1:$(recorded_port "$dir/ports.env" MANAGEMENT)"
}

# start_epmd: the node's own name server. It keeps running when the node stops, and is reused.
start_epmd() {
  local port
  epmd_alive && return
  port=$(reuse_port "$dir/ports.env" EPMD "$(first_port 29720)")
  (
    only_env "PATH=$PATH"
    cd /
    detach "$dir/run/epmd.pid" "$dir/log/epmd.log" epmd -address 127.0.0.1 -port "$port"
  )
}

configure_rabbitmq() {
  local amqp=$1 management=$2 etc=$dir/rabbitmq/etc home=$dir/rabbitmq/home
  mkdir -p "$etc/conf.d" "$home"
  secret erlang.cookie 24 >/dev/null
  install -m 0400 "$dir/secrets/erlang.cookie" "$home/.erlang.cookie"
  echo '[rabbitmq_management].' >"$etc/enabled_plugins"
  # Empty, because otherwise the system's file would be read.
  : >"$etc/rabbitmq-env.conf"
  # A small write-ahead log, because quorum queues need about three times its size in memory.
  cat >"$etc/rabbitmq.conf" <<CONF
listeners.tcp.1 = 127.0.0.1:$amqp
management.tcp.ip = 127.0.0.1
management.tcp.port = $management
default_user = sluice
default_pass = $(secret rabbitmq.password 24)
vm_memory_high_watermark.absolute = 1GB
disk_free_limit.absolute = 50MB
raft.wal_max_size_bytes = 64000000
log.console = true
log.console.level = info
log.connection.level = warning
CONF
}

# launch_rabbitmq DIST: RUNNING_UNDER_SYSTEMD makes the launcher exec the Erlang VM, so that the pid
# we record is the VM's. The launcher's own directory comes first in PATH: Debian's wrapper with the
# same name would switch to the user rabbitmq, which only root can do. One Erlang scheduler (+S 1:1):
# a second one mostly wakes the first, which costs half as much CPU again for each payment.
launch_rabbitmq() {
  local base=$dir/rabbitmq node
  node=$(rabbitmq_node)
  (
    only_env "PATH=$RABBITMQ_BIN:$PATH" LC_ALL=C.UTF-8 "HOME=$base/home" \
      RUNNING_UNDER_SYSTEMD=true \
      "RABBITMQ_NODENAME=$node" "RABBITMQ_DIST_PORT=$1" \
      "RABBITMQ_MNESIA_BASE=$base/data" "RABBITMQ_MNESIA_DIR=$base/data/node" \
      RABBITMQ_LOGS=- "RABBITMQ_LOG_BASE=$dir/log" \
      "RABBITMQ_CONFIG_FILE=$base/etc/rabbitmq.conf" "RABBITMQ_CONFIG_FILES=$base/etc/conf.d" \
      "RABBITMQ_ADVANCED_CONFIG_FILE=$base/etc/advanced.config" \
      "RABBITMQ_CONF_ENV_FILE=$base/etc/rabbitmq-env.conf" \
      "RABBITMQ_ENABLED_PLUGINS_FILE=$base/etc/enabled_plugins" \
      "ERL_EPMD_PORT=$(recorded_port "$dir/ports.env" EPMD)" ERL_EPMD_ADDRESS=127.0.0.1 \
      "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 -sluice $node"
    mkdir -p "$base/data"
    cd "$base" || exit
    detach "$dir/run/rabbitmq.pid" "$dir/log/rabbitmq.log" rabbitmq-server
  )
}

# wait_rabbitmq AMQP MANAGEMENT: waits until both ports work; fails if RabbitMQ exits. (Faster than
# rabbitmqctl await_startup, which starts an Erlang VM.)
wait_rabbitmq() {
  local until=$(($(now_ms) + 90000)) login
  login=$(printf 'sluice:%s' "$(secret rabbitmq.password 24)" | base64 -w0)
  while (($(now_ms) < until)) && exists "$dir/run/rabbitmq.pid"; do
    listening "$1" && rabbitmq_alive &&
      [[ $(http_status "127.0.0.1:$2" /api/vhosts "Authorization: Basic $login") == 200 ]] && return
    sleep 0.05
  done
  return 1
}

start_rabbitmq() {
  local amqp management dist started
  rabbitmq_alive && return
  [[ -x $RABBITMQ_BIN/rabbitmq-server ]] || fail "RabbitMQ is missing" \
    "install the package rabbitmq-server"
  started=$(now_ms)
  # Several attempts: another process may take a port before RabbitMQ binds it.
  for _ in 1 2 3; do
    start_epmd
    amqp=$(reuse_port "$dir/ports.env" AMQP "$(first_port 26720)")
    management=$(reuse_port "$dir/ports.env" MANAGEMENT "$(first_port 27720)")
    dist=$(reuse_port "$dir/ports.env" DISTRIBUTION "$(first_port 28720)")
    configure_rabbitmq "$amqp" "$management"
    launch_rabbitmq "$dist"
    if wait_rabbitmq "$amqp" "$management"; then
      log_step "RabbitMQ on 127.0.0.1:$amqp" "$started"
      return
    fi
    stop_rabbitmq
  done
  show_tail "$dir/log/rabbitmq.log"
  fail "RabbitMQ did not start"
}

# A clean stop takes about six seconds.
stop_rabbitmq() {
  local started running=false
  started=$(now_ms)
  rabbitmq_alive && running=true
  terminate "$dir/run/rabbitmq.pid" TERM 30 rabbitmq_alive
  terminate "$dir/run/epmd.pid" TERM 5 epmd_alive
  [[ $running == false ]] || log_step "RabbitMQ stopped" "$started"
}
