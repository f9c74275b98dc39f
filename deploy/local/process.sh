# shellcheck shell=bash
# Processes of our own: started apart from the terminal, known by a pid file, and never taken for
# ours by the number alone, since the kernel gives numbers out again.

# recorded PIDFILE: the number in it.
recorded() {
  local pid
  [[ -r $1 ]] && read -r pid <"$1" && [[ $pid =~ ^[0-9]+$ ]] && echo "$pid"
}

# command_line PID: its arguments, each followed by a blank; nothing for a process that has ended,
# even if nobody has collected it yet.
command_line() {
  { tr '\0' ' ' <"/proc/$1/cmdline"; } 2>/dev/null || true
}

# exists PIDFILE: does a process of that number run at all (maybe not yet what it will be)? Not told
# from its command line, which is empty for a moment while it becomes another program.
exists() {
  local pid stat
  pid=$(recorded "$1") && { read -r stat <"/proc/$pid/stat"; } 2>/dev/null && [[ ${stat##*) } != Z* ]]
}

# alive PIDFILE PROGRAM MARK: is the recorded process still that program, started by us? Told from
# its command line, which anybody may read: without CAP_SYS_PTRACE, as in most containers, not even
# root may read /proc/PID/exe of another user's process (Postgres runs as another user).
alive() {
  local pid argv
  pid=$(recorded "$1") || return 1
  argv=$(command_line "$pid")
  [[ ${argv%% *} == "$2" || ${argv%% *} == */"$2" ]] && [[ $argv == *" $3 "* ]]
}

# only_env NAME=VALUE...: drops every variable but these. For subshells about to exec; done here
# rather than by `env -i`, whose arguments (passwords among them) other users could read.
only_env() {
  local name
  for name in $(compgen -e); do
    unset "$name" 2>/dev/null || true
  done
  # shellcheck disable=SC2163 # the arguments are assignments
  export "$@"
}

# detach PIDFILE LOG COMMAND...: runs it in a session of its own. The number stays the same through
# setsid and every exec, since a background child is no group leader. 8 and 9 are our locks.
detach() {
  local pidfile=$1 log=$2
  shift 2
  setsid "$@" >>"$log" 2>&1 </dev/null 8>&- 9>&- &
  echo $! >"$pidfile"
}

# gone_within SECONDS PREDICATE...: waits until the predicate no longer holds.
gone_within() {
  local until=$(($(now_ms) + $1 * 1000))
  shift
  while "$@"; do
    (($(now_ms) < until)) || return 1
    sleep 0.05
  done
}

# terminate PIDFILE SIGNAL SECONDS PREDICATE...: asks, waits, insists. The predicate says whether
# the recorded process is (still) ours; nothing else is ever signalled.
terminate() {
  local pidfile=$1 signal=$2 seconds=$3 pid
  shift 3
  if "$@"; then
    pid=$(recorded "$pidfile")
    kill "-$signal" "$pid" 2>/dev/null || true
    if ! gone_within "$seconds" "$@"; then
      kill -KILL "$pid" 2>/dev/null || true
      gone_within 5 "$@" || fail "process $pid does not end"
    fi
  fi
  rm -f "$pidfile"
}
