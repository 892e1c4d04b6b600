# Processes are known by pid and start time, so that a pid which the kernel gave
# to somebody else is never killed.
# shellcheck shell=bash

# Field 22 of stat, counted after the command's name, which may hold spaces.
start_time() {
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  stat=${stat##*) }
  # shellcheck disable=SC2086
  set -- $stat
  [[ $1 != Z ]] || return 1
  printf '%s' "${20}"
}

# start_process NAME COMMAND...: in the background, its output in logs/NAME.log.
start_process() {
  local name=$1
  shift
  setsid "$@" >>"$LOGS/$name.log" 2>&1 </dev/null 9>&- &
  record_process "$name" $!
}

record_process() {
  local began
  began=$(start_time "$2") || {
    show_tail "$LOGS/$1.log"
    die "$1 ended at once"
  }
  mkdir -p "$DIR/pids"
  printf '%s %s\n' "$2" "$began" >"$DIR/pids/$1"
}

recorded_pid() { cut -d' ' -f1 "$DIR/pids/$1"; }

is_running() {
  local pid began
  read -r pid began 2>/dev/null <"$DIR/pids/$1" || return 1
  [[ $(start_time "$pid") == "$began" ]]
}

is_gone() { ! is_running "$1"; }

# stop_process NAME [SIGNAL]: gives it five seconds, then SIGKILL.
stop_process() {
  local name=$1 signal=${2:-TERM} deadline=$((SECONDS + 5))
  if is_running "$name"; then
    kill -s "$signal" "$(recorded_pid "$name")" 2>/dev/null || true
    while is_running "$name"; do
      if ((SECONDS >= deadline)); then
        kill -s KILL "$(recorded_pid "$name")" 2>/dev/null || true
        wait_for 10 "the end of $name" "" is_gone "$name"
      fi
      sleep 0.05
    done
  fi
  rm -f "$DIR/pids/$name"
}

all_running() {
  local file
  for file in "$DIR"/pids/*; do
    [[ -e $file ]] && is_running "${file##*/}" || return 1
  done
}
