# shellcheck shell=bash
# Ports and HTTP status requests without curl, ss or python, which a minimal machine lacks.

# listening PORT: whether a process listens on it. Read from /proc, because a connection would
# disturb that process.
listening() {
  local hex
  hex=$(printf '%04X' "$1")
  grep -Eqs "^ *[0-9]+: [0-9A-F]+:$hex [0-9A-F]+:[0-9A-F]+ 0A " /proc/net/tcp /proc/net/tcp6
}

# recorded_port FILE NAME: prints the port chosen earlier for NAME, if any.
recorded_port() {
  [[ -r $1 ]] && sed -n "s/^$2=//p" "$1" | grep .
}

# choose_port FILE NAME FROM: prints the first free port from FROM upwards and records it in FILE.
# Ports that FILE records for other names are skipped even if they are free now. All callers pass a
# FROM below 32768: the kernel assigns higher ports to clients, and a client that keeps reconnecting
# to an unused port can even connect to itself.
choose_port() {
  local file=$1 name=$2 port=$3
  (
    flock 8
    while listening "$port" || grep -sv "^$name=" "$file" | grep -q "=$port\$"; do
      port=$((port + 1))
    done
    set_value "$file" "$name" "$port"
    echo "$port"
  ) 8>>"$file.lock"
}

# reuse_port FILE NAME FIRST: chooses a port for a stopped process: its previous one, unless another
# process uses it now.
reuse_port() {
  choose_port "$1" "$2" "$(recorded_port "$1" "$2" || echo "$3")"
}

# set_value FILE NAME VALUE: sets one line in a file of NAME=VALUE lines, atomically.
set_value() {
  grep -sv "^$2=" "$1" >"$1.new" || true
  echo "$2=$3" >>"$1.new"
  mv "$1.new" "$1"
}

# http_status HOST:PORT PATH [HEADER]: prints the status code of a GET; fails without a response.
http_status() {
  (
    exec 3<>"/dev/tcp/${1%:*}/${1#*:}"
    printf 'GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s\r\n' \
      "$2" "$1" "${3:+$3$'\r\n'}" >&3
    read -r -t 3 _ status _ <&3
    echo "$status"
  ) 2>/dev/null
}
