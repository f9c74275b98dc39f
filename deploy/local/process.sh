# shellcheck shell=bash
# Background processes, identified by a pid file. A pid alone is never trusted, since the kernel
# reuses pids.

# recorded_pid PIDFILE: prints the pid in the file.
recorded_pid() {
  local pid
  [[ -r $1 ]] && read -r pid <"$1" && [[ $pid =~ ^[0-9]+$ ]] && echo "$pid"
}

# command_line PID: prints the arguments, each followed by a space; nothing for a process that has
# exited, even if it is still a zombie.
command_line() {
  { tr '\0' ' ' <"/proc/$1/cmdline"; } 2>/dev/null || true
}

# exists PIDFILE: whether any process with that pid runs, possibly before its final exec. Does not
# use the command line, which is empty for a moment during exec.
exists() {
  local pid stat
  pid=$(recorded_pid "$1") && { read -r stat <"/proc/$pid/stat"; } 2>/dev/null && [[ ${stat##*) } != Z* ]]
}

# alive PIDFILE PROGRAM MARK: whether the recorded process is still that program, started by us.
# Uses the command line, which every user can read: without CAP_SYS_PTRACE, as in most containers,
# not even root can read /proc/PID/exe of another user's process (Postgres runs as another user).
alive() {
  local pid argv
  pid=$(recorded_pid "$1") || return 1
  argv=$(command_line "$pid")
  [[ ${argv%% *} == "$2" || ${argv%% *} == */"$2" ]] && [[ $argv == *" $3 "* ]]
}

# only_env NAME=VALUE...: removes all other variables, in a subshell before exec. Not with `env -i`,
# because other users could read its arguments, which include passwords.
only_env() {
  local name
  for name in $(compgen -e); do
    unset "$name" 2>/dev/null || true
  done
  # shellcheck disable=SC2163 # the arguments are assignments
  export "$@"
}

# detach PIDFILE LOG COMMAND...: runs the command in its own session. The recorded pid stays valid
# through setsid and exec: setsid does not fork, because a background child is no group leader.
# File descriptors 8 and 9 are our locks, which must not be inherited.
detach() {
  local pidfile=$1 log=$2
  shift 2
  setsid "$@" >>"$log" 2>&1 </dev/null 8>&- 9>&- &
  echo $! >"$pidfile"
}

# wait_until_not SECONDS PREDICATE...: waits until the predicate is false; fails after SECONDS.
wait_until_not() {
  local until=$(($(now_ms) + $1 * 1000))
  shift
  while "$@"; do
    (($(now_ms) < until)) || return 1
    sleep 0.05
  done
}

# terminate PIDFILE SIGNAL SECONDS PREDICATE...: sends the signal, and after SECONDS SIGKILL. The
# predicate says whether the recorded process is (still) ours; no other process is signalled.
terminate() {
  local pidfile=$1 signal=$2 seconds=$3 pid
  shift 3
  if "$@"; then
    pid=$(recorded_pid "$pidfile")
    kill "-$signal" "$pid" 2>/dev/null || true
    if ! wait_until_not "$seconds" "$@"; then
      kill -KILL "$pid" 2>/dev/null || true
      wait_until_not 5 "$@" || fail "process $pid did not exit"
    fi
  fi
  rm -f "$pidfile"
}
