# shellcheck shell=bash
# One instance of Postgres and RabbitMQ, completely below one directory, $dir.
#
#   ports.env stores.env   chosen ports · connection URLs
#   run/ log/ secrets/     process ids · logs · passwords
#   postgres/ rabbitmq/    data (rabbitmq/data may be deleted while RabbitMQ is stopped)

# open_instance DIR: creates the directories; sets $dir (absolute) and $tag (a short name for it).
open_instance() {
  # Under root, Postgres runs as another user, who must be able to enter but not to list it.
  local mode=0700
  ((EUID)) || mode=0711
  umask 077
  mkdir -p "$1"
  dir=$(realpath "$1")
  chmod "$mode" "$dir"
  tag=$(printf '%s' "$dir" | sha256sum | cut -c1-8)
  mkdir -p "$dir/run" "$dir/log" "$dir/secrets"
}

# first_port BASE: the first port this instance tries. The checkout's own instance uses the base;
# test instances are spread out, so that a stopped one finds its ports free when it starts again.
first_port() {
  [[ ${dir##*/} == .local ]] && echo "$1" && return
  echo $(($1 + 1 + 16#$tag % 900))
}

# random_hex BYTES
random_hex() {
  od -An -vtx1 -N"$1" /dev/urandom | tr -d ' \n'
}

# secret NAME BYTES: prints a random secret in hexadecimal; generates it on the first call.
secret() {
  local file=$dir/secrets/$1
  [[ -s $file ]] || { random_hex "$2" >"$file.new" && mv "$file.new" "$file"; }
  cat "$file"
}
