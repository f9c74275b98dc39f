# shellcheck shell=bash disable=SC2154 # dir and tag are set by instance.sh
# A private Postgres cluster in $dir/postgres: on 127.0.0.1 only, with a password, without a socket.

# Postgres does not run as root; root runs it as the user postgres of its package.
AS_POSTGRES=()
((EUID)) || AS_POSTGRES=(setpriv --reuid=postgres --regid=postgres --clear-groups --)

# postgres_bin DATA: prints the directory of the binaries for the data's version, else the newest.
postgres_bin() {
  local version='' bin
  [[ -r $1/PG_VERSION ]] && version=$(<"$1/PG_VERSION")
  for bin in $(compgen -G "/usr/lib/postgresql/${version:-*}/bin/postgres" | sort -rV) \
    "$(command -v postgres)"; do
    [[ -x $bin ]] && dirname "$(realpath "$bin")" && return
  done
  fail "Postgres${version:+ $version} is missing" \
    "install the package postgresql${version:+-$version}"
}

# postgres_data: prints the real data directory. If the user postgres cannot enter $dir (a checkout
# below /root), the data is below /var/lib, and $dir/postgres is a link to it. Its name is unique:
# data of a deleted checkout at the same path would not open with our password.
postgres_data() {
  local link=$dir/postgres elsewhere
  if [[ ! -e $link ]] && ((!EUID)) && ! postgres_can_enter; then
    leftover_data
    install -d -m 0755 /var/lib/sluice
    elsewhere=$(mktemp -d "/var/lib/sluice/$tag.XXXXXX")
    chmod 0755 "$elsewhere"
    install -d -m 0700 -o postgres -g postgres "$elsewhere/postgres"
    ln -sfn "$elsewhere/postgres" "$link"
  fi
  realpath -m "$link"
}

# leftover_data: handles data below /var/lib of a checkout at the same path that was deleted without
# make clean. Reports a gateway's data, and removes that of tests.
leftover_data() {
  local leftover
  for leftover in $(compgen -G "/var/lib/sluice/$tag*"); do
    if [[ ${dir##*/} == .local ]]; then
      log_step "data of an earlier checkout at this path is still in $leftover" >&2
    else
      rm -rf "$leftover"
    fi
  done
}

postgres_can_enter() {
  (cd / && "${AS_POSTGRES[@]}" test -x "$dir")
}

postgres_alive() {
  alive "$dir/run/postgres.pid" postgres "$(realpath -m "$dir/postgres")"
}

postgres_url() {
  local port
  port=$(recorded_port "$dir/ports.env" POSTGRES) || fail "Postgres was never started in $dir"
  echo "postgres://sluice:$(secret postgres.password 24)@127.0.0.1:$port/sluice"
}

# init_postgres BIN DATA: creates a cluster if there is none. It is created beside its final place
# and then renamed, since initdb may be killed halfway.
init_postgres() {
  local bin=$1 data=$2 new=$2.new password=${2%/*}/initdb.password
  ((EUID)) && [[ -s $data/PG_VERSION ]] && return
  ((!EUID)) && "${AS_POSTGRES[@]}" test -s "$data/PG_VERSION" && return
  # initdb runs as the user postgres and needs an empty directory, so the password file is outside
  # of it, readable by that user only, and removed right afterwards.
  secret postgres.password 24 >"$password"
  rm -rf "$new"
  mkdir "$new"
  ((EUID)) || chown postgres:postgres "$password" "$new"
  (cd / && "${AS_POSTGRES[@]}" "$bin/initdb" -D "$new" -U sluice -A scram-sha-256 \
    --pwfile="$password" -E UTF8 --locale=C.UTF-8) >>"$dir/log/postgres.log" 2>&1 || {
    rm -f "$password"
    show_tail "$dir/log/postgres.log"
    fail "initdb failed"
  }
  rm -f "$password"
  # A random name of this data, so that API keys of a deleted database are not used with a new one.
  random_hex 8 >"$dir/secrets/cluster"
  [[ ! -e $data ]] || rmdir "$data" || fail "$data is neither a Postgres data directory nor empty"
  mv "$new" "$data"
}

launch_postgres() {
  local bin=$1 data=$2 port=$3
  # No statement, parameter or row may reach the log, because they include card data.
  local settings=(
    listen_addresses=127.0.0.1 port="$port" unix_socket_directories=
    shared_buffers=256MB max_connections=300 wal_compression=on
    log_statement=none log_min_duration_statement=-1 log_min_error_statement=panic
    log_parameter_max_length=0 log_parameter_max_length_on_error=0 log_error_verbosity=terse
  )
  (
    only_env "PATH=$PATH" LC_ALL=C.UTF-8
    # The user postgres may not be able to enter the current directory.
    cd /
    detach "$dir/run/postgres.pid" "$dir/log/postgres.log" \
      "${AS_POSTGRES[@]}" "$bin/postgres" -D "$data" "${settings[@]/#/--}"
  )
}

# wait_postgres BIN PORT: waits until it accepts connections; fails if it exits.
wait_postgres() {
  local until=$(($(now_ms) + 90000))
  while (($(now_ms) < until)) && exists "$dir/run/postgres.pid"; do
    "$1/pg_isready" -q -h 127.0.0.1 -p "$2" -U sluice -d postgres && postgres_alive && return
    sleep 0.05
  done
  return 1
}

create_database() {
  PGPASSWORD=$(secret postgres.password 24) "$1/psql" -qX -v ON_ERROR_STOP=1 \
    -h 127.0.0.1 -p "$2" -U sluice -d postgres >>"$dir/log/postgres.log" 2>&1 <<'SQL' ||
select 'create database sluice'
where not exists (select from pg_database where datname = 'sluice') \gexec
SQL
    {
      show_tail "$dir/log/postgres.log"
      fail "cannot create the database"
    }
}

start_postgres() {
  local data bin port started
  postgres_alive && return
  started=$(now_ms)
  data=$(postgres_data)
  bin=$(postgres_bin "$data")
  init_postgres "$bin" "$data"
  # Several attempts: after a kill -9 orphaned backends hold the shared memory for a moment, and
  # another process may take the port before Postgres binds it.
  for _ in 1 2 3 4 5 6 7 8; do
    port=$(reuse_port "$dir/ports.env" POSTGRES "$(first_port 24320)")
    launch_postgres "$bin" "$data" "$port"
    if wait_postgres "$bin" "$port"; then
      create_database "$bin" "$port"
      log_step "Postgres on 127.0.0.1:$port" "$started"
      return
    fi
    sleep 0.5
  done
  show_tail "$dir/log/postgres.log"
  fail "Postgres did not start"
}

# SIGINT is a fast shutdown; SIGTERM would wait for all clients to disconnect.
stop_postgres() {
  local started
  postgres_alive || return 0
  started=$(now_ms)
  terminate "$dir/run/postgres.pid" INT 30 postgres_alive
  log_step "Postgres stopped" "$started"
}

# remove_postgres: removes the data, which may be outside of $dir.
remove_postgres() {
  local data
  data=$(realpath -m "$dir/postgres")
  [[ $data != /var/lib/sluice/* ]] || rm -rf "${data%/*}"
  rm -rf "$dir/postgres"
  rmdir --ignore-fail-on-non-empty /var/lib/sluice 2>/dev/null || true
}
