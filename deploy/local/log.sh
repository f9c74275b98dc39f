# shellcheck shell=bash
# Progress and errors of the scripts: one aligned line per step, with its duration.

now_ms() {
  local us=${EPOCHREALTIME//[!0-9]/}
  echo $((us / 1000))
}

# log_step LABEL [STARTED_MS]: prints a step; with its start time, also how long it took.
log_step() {
  if (($# < 2)); then
    printf '▸ %s\n' "$1"
    return
  fi
  local ms=$(($(now_ms) - $2))
  printf '▸ %-48s %5d.%d s\n' "$1" $((ms / 1000)) $((ms % 1000 / 100))
}

# fail LINE...: prints an error to stderr, further lines indented, and exits.
fail() {
  printf '✗ %s\n' "$1" >&2
  shift
  (($#)) && printf '  %s\n' "$@" >&2
  exit 1
}

# warn LINE...: prints an error like fail, and goes on.
warn() {
  (fail "$@") || true
}

# show_tail LOG: prints the end of the log of a process that did not start.
show_tail() {
  printf '  last lines of %s:\n' "$1" >&2
  tail -n 20 "$1" 2>/dev/null | sed 's/^/    /' >&2
}
