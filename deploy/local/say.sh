# shellcheck shell=bash
# What the scripts say while they work: one aligned line a step, with its time.

now_ms() {
  local us=${EPOCHREALTIME//[!0-9]/}
  echo $((us / 1000))
}

# said LABEL [STARTED_MS]: a step that is done; with its start, also how long it took.
said() {
  if (($# < 2)); then
    printf '▸ %s\n' "$1"
    return
  fi
  local ms=$(($(now_ms) - $2))
  printf '▸ %-48s %5d.%d s\n' "$1" $((ms / 1000)) $((ms % 1000 / 100))
}

# fail LINE...: the reason on stderr, indented below the first line; never returns.
fail() {
  printf '✗ %s\n' "$1" >&2
  shift
  (($#)) && printf '  %s\n' "$@" >&2
  exit 1
}

# show_tail LOG: the end of a log, for a process that did not come up.
show_tail() {
  printf '  last lines of %s:\n' "$1" >&2
  tail -n 20 "$1" 2>/dev/null | sed 's/^/    /' >&2
}
