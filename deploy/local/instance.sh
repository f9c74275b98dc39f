# shellcheck shell=bash
# One instance of the stores: everything of it is below one directory, $dir.
#
#   ports.env stores.env   chosen ports · URLs to connect to
#   run/ log/ secrets/     process ids · logs · passwords
#   postgres/ rabbitmq/    the data (rabbitmq/data may be wiped while it is down)

# open_instance DIR: sets $dir (absolute), $tag (a short name of it) and makes the directories.
open_instance() {
  # As root Postgres is another user, who has to pass through, not to look.
  local mode=0700
  ((EUID)) || mode=0711
  umask 077
  mkdir -p "$1"
  dir=$(realpath "$1")
  chmod "$mode" "$dir"
  tag=$(printf '%s' "$dir" | sha256sum | cut -c1-8)
  mkdir -p "$dir/run" "$dir/log" "$dir/secrets"
}

# first_port BASE: where this instance looks first. The checkout's own instance takes the base
# itself; the others start apart from each other, so that one which is down keeps its ports.
first_port() {
  [[ ${dir##*/} == .local ]] && echo "$1" && return
  echo $(($1 + 1 + 16#$tag % 900))
}

# random_hex BYTES
random_hex() {
  od -An -vtx1 -N"$1" /dev/urandom | tr -d ' \n'
}

# secret NAME BYTES: hexadecimal; makes it once, prints it ever after.
secret() {
  local file=$dir/secrets/$1
  [[ -s $file ]] || { random_hex "$2" >"$file.new" && mv "$file.new" "$file"; }
  cat "$file"
}
