# shellcheck shell=bash disable=SC2154 # dir and tag are set by instance.sh
# A private Postgres cluster: $dir/postgres, 127.0.0.1 only, password only, no socket file.

# Postgres refuses to run as root; then it runs as the user its package has made.
AS_POSTGRES=()
((EUID)) || AS_POSTGRES=(setpriv --reuid=postgres --regid=postgres --clear-groups --)

# postgres_bin DATA: the directory of the binaries that fit the data, or of the newest ones.
postgres_bin() {
  local version='' bin
  [[ -r $1/PG_VERSION ]] && version=$(<"$1/PG_VERSION")
  for bin in $(compgen -G "/usr/lib/postgresql/${version:-*}/bin/postgres" | sort -rV) \
    "$(command -v postgres)"; do
    [[ -x $bin ]] && dirname "$(realpath "$bin")" && return
  done
  fail "no Postgres ${version:+$version }binaries found" \
    "install the package postgresql${version:+-$version}"
}

# postgres_data: the real data directory. Where the postgres user may not pass (a checkout below
# /root), the data goes below /var/lib and $dir/postgres points there. Its name is never used twice:
# data of a checkout that was deleted here does not open with our password.
postgres_data() {
  local link=$dir/postgres elsewhere
  if [[ ! -e $link ]] && ((!EUID)) && ! postgres_may_pass; then
    forgotten_data
    install -d -m 0755 /var/lib/sluice
    elsewhere=$(mktemp -d "/var/lib/sluice/$tag.XXXXXX")
    chmod 0755 "$elsewhere"
    install -d -m 0700 -o postgres -g postgres "$elsewhere/postgres"
    ln -sfn "$elsewhere/postgres" "$link"
  fi
  realpath -m "$link"
}

# forgotten_data: what a checkout at this very path left below /var/lib when it was deleted without
# make clean. Payments are kept, and said; what tests left is not.
forgotten_data() {
  local left
  for left in $(compgen -G "/var/lib/sluice/$tag*"); do
    if [[ ${dir##*/} == .local ]]; then
      said "data of an earlier checkout here is still in $left" >&2
    else
      rm -rf "$left"
    fi
  done
}

postgres_may_pass() {
  (cd / && "${AS_POSTGRES[@]}" test -x "$dir")
}

postgres_alive() {
  alive "$dir/run/postgres.pid" postgres "$(realpath -m "$dir/postgres")"
}

postgres_url() {
  local port
  port=$(kept_port "$dir/ports.env" POSTGRES) || fail "no Postgres has been started in $dir"
  echo "postgres://sluice:$(secret postgres.password 24)@127.0.0.1:$port/sluice"
}

# init_postgres BIN DATA: a new cluster, unless there is one. Made beside its place and moved there
# whole, since initdb may be killed.
init_postgres() {
  local bin=$1 data=$2 made=$2.new password=${2%/*}/initdb.password
  ((EUID)) && [[ -s $data/PG_VERSION ]] && return
  ((!EUID)) && "${AS_POSTGRES[@]}" test -s "$data/PG_VERSION" && return
  # initdb reads the password as that other user and wants an empty data directory: so it lies
  # beside it, for a moment, readable by that user alone.
  secret postgres.password 24 >"$password"
  rm -rf "$made"
  mkdir "$made"
  ((EUID)) || chown postgres:postgres "$password" "$made"
  (cd / && "${AS_POSTGRES[@]}" "$bin/initdb" -D "$made" -U sluice -A scram-sha-256 \
    --pwfile="$password" -E UTF8 --locale=C.UTF-8) >>"$dir/log/postgres.log" 2>&1 || {
    rm -f "$password"
    show_tail "$dir/log/postgres.log"
    fail "initdb failed"
  }
  rm -f "$password"
  # A name for this very data, so that keys made for it are not taken for those of a later one.
  random_hex 8 >"$dir/secrets/cluster"
  [[ ! -e $data ]] || rmdir "$data" || fail "$data is no Postgres data, nor empty"
  mv "$made" "$data"
}

launch_postgres() {
  local bin=$1 data=$2 port=$3
  # No statement, parameter or row ever reaches the log: card data would be among them.
  local settings=(
    listen_addresses=127.0.0.1 port="$port" unix_socket_directories=
    shared_buffers=256MB max_connections=300 wal_compression=on
    log_statement=none log_min_duration_statement=-1 log_min_error_statement=panic
    log_parameter_max_length=0 log_parameter_max_length_on_error=0 log_error_verbosity=terse
  )
  (
    only_env "PATH=$PATH" LC_ALL=C.UTF-8
    # That user may not be able to enter the directory we are in.
    cd /
    detach "$dir/run/postgres.pid" "$dir/log/postgres.log" \
      "${AS_POSTGRES[@]}" "$bin/postgres" -D "$data" "${settings[@]/#/--}"
  )
}

# postgres_answers BIN PORT: waits until it takes connections; fails when it has died first.
postgres_answers() {
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
      fail "could not create the database"
    }
}

start_postgres() {
  local data bin port started
  postgres_alive && return
  started=$(now_ms)
  data=$(postgres_data)
  bin=$(postgres_bin "$data")
  init_postgres "$bin" "$data"
  # Tried again, because after a kill -9 the orphaned backends hold the shared memory for a moment,
  # and because somebody may take the port between our look and our bind.
  for _ in 1 2 3 4 5 6 7 8; do
    port=$(keep_port "$dir/ports.env" POSTGRES "$(first_port 24320)")
    launch_postgres "$bin" "$data" "$port"
    if postgres_answers "$bin" "$port"; then
      create_database "$bin" "$port"
      said "Postgres on 127.0.0.1:$port" "$started"
      return
    fi
    sleep 0.5
  done
  show_tail "$dir/log/postgres.log"
  fail "Postgres does not start"
}

# SIGINT is Postgres' fast shutdown; SIGTERM would wait for every client to leave by itself.
stop_postgres() {
  local started
  postgres_alive || return 0
  started=$(now_ms)
  terminate "$dir/run/postgres.pid" INT 30 postgres_alive
  said "Postgres stopped" "$started"
}

# remove_postgres: the data that may lie outside the directory.
remove_postgres() {
  local data
  data=$(realpath -m "$dir/postgres")
  [[ $data != /var/lib/sluice/* ]] || rm -rf "${data%/*}"
  rm -rf "$dir/postgres"
  rmdir --ignore-fail-on-non-empty /var/lib/sluice 2>/dev/null || true
}
