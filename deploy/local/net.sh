# shellcheck shell=bash
# Ports and the one HTTP request we need, without curl, ss or python: a bare machine has none.

# listening PORT: does anything listen there? Read from /proc, so nothing is connected to.
listening() {
  local hex
  hex=$(printf '%04X' "$1")
  grep -Eqs "^ *[0-9]+: [0-9A-F]+:$hex [0-9A-F]+:[0-9A-F]+ 0A " /proc/net/tcp /proc/net/tcp6
}

# kept_port FILE NAME: the port once chosen for NAME.
kept_port() {
  [[ -r $1 ]] && sed -n "s/^$2=//p" "$1" | grep .
}

# take_port FILE NAME FROM: the first free port from FROM upwards, remembered in FILE; none of the
# others in FILE, even if what they belong to is down. FROM lies below 32768 in all callers: above,
# the kernel may lend the port to a client, and a client that reconnects in a loop to a port nobody
# serves may even connect to itself.
take_port() {
  local file=$1 name=$2 port=$3
  (
    flock 8
    while listening "$port" || grep -sv "^$name=" "$file" | grep -q "=$port\$"; do
      port=$((port + 1))
    done
    remember "$file" "$name" "$port"
    echo "$port"
  ) 8>>"$file.lock"
}

# keep_port FILE NAME FIRST: the port of something that does not run now: the one it had, unless
# somebody took it meanwhile.
keep_port() {
  take_port "$1" "$2" "$(kept_port "$1" "$2" || echo "$3")"
}

# remember FILE NAME VALUE: sets one line of a file of NAME=VALUE lines, whole or not at all.
remember() {
  grep -sv "^$2=" "$1" >"$1.new" || true
  echo "$2=$3" >>"$1.new"
  mv "$1.new" "$1"
}

# http_status HOST:PORT PATH [HEADER]: the status code of a GET; fails when nobody answers.
http_status() {
  (
    exec 3<>"/dev/tcp/${1%:*}/${1#*:}"
    printf 'GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s\r\n' \
      "$2" "$1" "${3:+$3$'\r\n'}" >&3
    read -r -t 3 _ status _ <&3
    echo "$status"
  ) 2>/dev/null
}
