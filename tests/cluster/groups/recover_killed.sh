# Every playbook, for each loss that it is practised for, in the sandbox: the program is killed with kill -9 in each of its steps, and what takes it
# up comes to the same end as one that nobody disturbed. No cluster is made.
# seaworthy
# cluster: none
# shellcheck shell=bash

# made PLAYBOOK LOSS: the loss, in $WORK/base; SANDBOX and CLAIM say where.
made() {
  export SEAWORTHY_STATE_DIR=$WORK/drill
  "$SEAWORTHY" drill "$1" --loss "$2" --by-hand -o json >"$WORK/made" 2>"$WORK/err" || fail "$1 $2 is not made: $(cat "$WORK/err")"
  SANDBOX=$(jq -r .sandbox "$WORK/made")
  CLAIM=$(jq -r .claim "$WORK/made")
  CLAIM=${CLAIM#PersistentVolumeClaim/}
  mv "$(jq -r .folder "$WORK/made")" "$WORK/base"
}

# sbx ARGUMENT...: the program in the state folder of this try.
sbx() { SEAWORTHY_STATE_DIR=$WORK/try timeout --kill-after 5 120 "$SEAWORTHY" --sandbox="$SANDBOX" --yes "$@" </dev/null; }

anew() {
  rm -rf "$WORK/try"
  cp -a "$WORK/base" "$WORK/try"
}

# words PLAYBOOK: the command, with all names typed.
words() {
  WORDS=(recover "$1" --claim "$CLAIM")
  anew
  local asked
  asked=$(sbx "${WORDS[@]}" -o json 2>/dev/null | jq -r '.error.hint // empty' | grep -oE -e '--(destroy-data|consent)=[^ ]+' || true)
  [[ -z $asked ]] || mapfile -t -O "${#WORDS[@]}" WORDS <<<"$asked"
}

# essence: how it ended: what became of the data, and whether all is well.
essence() {
  sbx runs list -o json 2>/dev/null | jq -r '.items[-1] | "\(.command) \(.state)"'
  sbx runs report "$(sbx runs list -o json 2>/dev/null | jq -r '.items[-1].run')" -o json 2>/dev/null |
    jq -r '.data[] | "\(.claim.name) \(.verdict) \(.counted // "-")"'
  sbx recover -o json 2>/dev/null | jq -r '[.losses[] | select(.loss.certain)] | length'
}

# begun: how many steps have begun; there is no file before the first event.
begun() {
  local count
  count=$(grep -c '"state":{"state":"running"' "$WORK/events" 2>/dev/null) || true
  printf '%s' "${count:-0}"
}

is_done() { [[ $(sbx runs list -o json 2>/dev/null | jq -r '.items[-1].state') == 'done' ]]; }

# killed_in STEP: whether it was still running when that step began, and was killed. In its last moments it may have come to its end.
killed_in() {
  anew
  rm -f "$WORK/events"
  SEAWORTHY_STATE_DIR=$WORK/try "$SEAWORTHY" --sandbox="$SANDBOX" --yes --events "$WORK/events" "${WORDS[@]}" >"$WORK/out" 2>"$WORK/err" </dev/null &
  local pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    if (($(begun) >= $1)); then
      kill -KILL "$pid" 2>/dev/null || true
      wait "$pid" 2>/dev/null || true
      ! is_done
      return
    fi
  done
  wait "$pid" || fail "undisturbed, ${WORDS[*]} ended with $?: $(tail -n 5 "$WORK/err")"
  return 1
}

# caught_in STEP: killed in it, within five tries.
caught_in() {
  local try
  for try in 1 2 3 4 5; do
    ! killed_in "$1" || return 0
  done
  return 1
}

walk() {
  WORK=$(mktemp -d)
  trap 'rm -rf "$WORK"' EXIT
  local loss losses step kills=0 steps whole
  losses=$({ "$SEAWORTHY" drill 2>&1 || true; } | sed -n "s|^ *$1: ||p" | tr -d ,)
  [[ -n $losses ]] || fail "drill names no loss that $1 is practised for"
  for loss in $losses; do
    rm -rf "$WORK/base"
    made "$1" "$loss"
    words "$1"
    anew
    rm -f "$WORK/events"
    sbx --events "$WORK/events" "${WORDS[@]}" >"$WORK/out" 2>"$WORK/err" || fail "$1 $loss: $(tail -n 5 "$WORK/err")"
    whole=$(essence)
    steps=$(begun)
    # In its last step it may come to its end before the kill does.
    for ((step = 1; step <= steps; step++)); do
      if ! caught_in "$step"; then
        ((step == steps)) || fail "$1 $loss: each time it came to its end before the kill in step $step"
        continue
      fi
      kills=$((kills + 1))
      sbx "${WORDS[@]}" >"$WORK/out" 2>"$WORK/err" || fail "$1 $loss, killed in step $step: $(tail -n 8 "$WORK/err")"
      same "$1 $loss, killed in step $step" "$whole" "$(essence)"
    done
  done
  ((kills > 0)) || fail "nothing was killed"
  printf 'figure: %s: %d kills\n' "$1" "$kills"
  [[ -z ${SEAWORTHY_TEST_FIGURES:-} ]] || printf 'killed: %s: %d kills\n' "$1" "$kills" >>"$SEAWORTHY_TEST_FIGURES"
}

same() { [[ $2 == "$3" ]] || fail "$1: $(diff <(printf '%s\n' "$2") <(printf '%s\n' "$3"))"; }

test_rebind() { walk rebind; }
test_replace() { walk replace; }
test_node_back() { walk node-back; }
test_node_off() { walk node-off; }
test_etcd_space() { walk etcd-space; }
test_etcd_member() { walk etcd-member; }
test_newton_history() { walk newton-v2t/history; }
test_newton_workspace() { walk newton-v2t/workspace; }
test_newton_node() { walk newton-v2t/node; }
test_newton_etcd() { walk newton-v2t/etcd; }
test_telemetry_collector() { walk telemetry-pipeline/collector; }
test_exadeploy_modules() { walk exadeploy/modules; }
test_etcd_restore() { walk etcd-restore; }
test_telemetry_queue() { walk telemetry-pipeline/queue; }
test_daemons() { walk distributed-notebook/daemons; }
test_provision() { walk provision; }
test_reunite() { walk reunite; }
test_give_back() { walk give-back; }
test_detach() { walk detach; }
test_finish() { walk finish; }
test_grow() { walk grow; }
test_move() { walk move; }
test_notebooks() { walk distributed-notebook/notebooks; }
