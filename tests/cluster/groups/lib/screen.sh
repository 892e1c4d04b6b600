# The program in a terminal, by keys. Sourced by groups that have at_exit and a folder $WORK.
# shellcheck shell=bash

# on_screen TEXT [ARGUMENT...]: the program in a terminal of its own, 120x40, until that is to be seen. $WORK is its home.
on_screen() {
  local text=$1
  shift
  ensure_packages tmux:tmux
  TMUX_SOCKET=$WORK/tmux
  local name assignments=()
  for name in PATH KUBECONFIG SEAWORTHY_STATE_DIR DOCKER_HOST; do
    [[ -z ${!name:-} ]] || assignments+=("$name=${!name}")
  done
  tmux -S "$TMUX_SOCKET" -u new-session -d -x 120 -y 40 env LANG=C.UTF-8 HOME="$WORK" "${assignments[@]}" "$SEAWORTHY" "$@"
  at_exit tmux -S "$TMUX_SOCKET" kill-server
  see "$text"
}

press() { tmux -S "$TMUX_SOCKET" send-keys "$1"; }

type_in() { tmux -S "$TMUX_SOCKET" send-keys -l "$1"; }

shown() { tmux -S "$TMUX_SOCKET" capture-pane -p; }

is_shown() { shown | grep -qF "$1"; }

gone_from_screen() { ! tmux -S "$TMUX_SOCKET" has-session 2>/dev/null; }

# see TEXT: waits for it.
see() {
  local deadline=$((SECONDS + 120))
  until is_shown "$1"; do
    ((SECONDS < deadline)) || fail "$1 does not come on the screen: $(shown)"
    sleep 0.2
  done
}

# press_until TEXT KEY: at most as often as there are lines.
press_until() {
  local times
  for times in $(seq 40); do
    ! is_shown "$1" || return 0
    press "$2"
    sleep 0.2
  done
  fail "$2 was pressed $times times, and $1 does not stand there: $(shown)"
}
