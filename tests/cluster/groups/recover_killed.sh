# Every playbook, for each loss that it is practised for, in the sandbox: the program is killed with kill -9 in each of its steps, and what takes it
# up comes to the same end as one that nobody disturbed. No cluster is made.
# seaworthy
# cluster: none
# shellcheck shell=bash

# made PLAYBOOK LOSS: the loss, in $WORK/base; SANDBOX and SUBJECT (a claim, or a namespace) say where.
made() {
  export SEAWORTHY_STATE_DIR=$WORK/drill
  "$SEAWORTHY" drill "$1" --loss "$2" --by-hand -o json >"$WORK/made" 2>"$WORK/err" || fail "$1 $2 is not made: $(cat "$WORK/err")"
  SANDBOX=$(jq -r .sandbox "$WORK/made")
  local subject
  subject=$(jq -r .claim "$WORK/made")
  case $subject in
    Namespace/*) SUBJECT=(--namespace "${subject#*/}") ;;
    *) SUBJECT=(--claim "${subject#PersistentVolumeClaim/}") ;;
  esac
  mv "$(jq -r .folder "$WORK/made")" "$WORK/base"
}

# sbx ARGUMENT...: the program in the state folder of this try.
sbx() { SEAWORTHY_STATE_DIR=$WORK/try timeout --kill-after 5 120 "$SEAWORTHY" --sandbox="$SANDBOX" --yes "$@" </dev/null; }

anew() {
  rm -rf "$WORK/try"
  cp -a "$WORK/base" "$WORK/try"
}

# Whether the playbook asks something half way.
ASKS=no

# on_terminal ARGUMENT...: the program, on a terminal, with "yes" typed again and again; its process id is written down.
on_terminal() {
  local line
  printf -v line '%q ' "$SEAWORTHY" "--sandbox=$SANDBOX" --yes "$@"
  SEAWORTHY_STATE_DIR=$WORK/try SHELL=/bin/sh timeout --kill-after 5 120 script -qec "echo \$\$ >$WORK/pid; exec $line" /dev/null \
    < <(while printf 'y\r' 2>/dev/null; do sleep 0.2; done)
}

# go ARGUMENT...: the playbook, until its end.
go() {
  if [[ $ASKS == yes ]]; then on_terminal "$@" >"$WORK/out" 2>"$WORK/err"; else sbx "$@" >"$WORK/out" 2>"$WORK/err"; fi
}

# start ARGUMENT...: the same in the background. JOB is to be waited for, PID is the program's.
start() {
  if [[ $ASKS != yes ]]; then
    SEAWORTHY_STATE_DIR=$WORK/try "$SEAWORTHY" --sandbox="$SANDBOX" --yes "$@" >"$WORK/out" 2>"$WORK/err" </dev/null &
    JOB=$! PID=$!
    return
  fi
  rm -f "$WORK/pid"
  go "$@" &
  JOB=$!
  until [[ -s $WORK/pid ]]; do kill -0 "$JOB" || fail "it did not begin: $(cat "$WORK/out" "$WORK/err")"; done
  PID=$(<"$WORK/pid")
}

# agreed: the command with what it asks to be agreed to.
agreed() {
  anew
  local asked
  asked=$(sbx "${WORDS[@]}" -o json 2>/dev/null | jq -r '.error.hint // empty' | grep -oE -e '--(destroy-data|consent)=[^ ]+' || true)
  [[ -z $asked ]] || mapfile -t -O "${#WORDS[@]}" WORDS <<<"$asked"
}

# essence: how it ended: what became of the data, and whether all is well (after `finish` what the namespace has lost stays lost).
essence() {
  sbx runs list -o json 2>/dev/null | jq -r '.items[-1] | "\(.command) \(.state)"'
  sbx runs report "$(sbx runs list -o json 2>/dev/null | jq -r '.items[-1].run')" -o json 2>/dev/null |
    jq -r '.data[] | "\(.claim.name) \(.verdict) \(.counted // "-")"'
  { sbx recover -o json 2>/dev/null || true; } | jq -r '[.losses[] | select(.loss.certain)] | length'
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
  start --events "$WORK/events" "${WORDS[@]}"
  while kill -0 "$PID" 2>/dev/null; do
    if (($(begun) >= $1)); then
      kill -KILL "$PID" 2>/dev/null || true
      wait "$JOB" 2>/dev/null || true
      ! is_done
      return
    fi
  done
  wait "$JOB" || fail "undisturbed, ${WORDS[*]} ended with $?: $(said)"
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

# killed_everywhere WHAT: the command in WORDS, on what is in $WORK/base.
killed_everywhere() {
  local step steps whole
  agreed
  anew
  rm -f "$WORK/events"
  go --events "$WORK/events" "${WORDS[@]}" || fail "$1: $(said)"
  whole=$(essence)
  steps=$(begun)
  # In its last step it may come to its end before the kill does.
  for ((step = 1; step <= steps; step++)); do
    if ! caught_in "$step"; then
      ((step == steps)) || fail "$1: each time it came to its end before the kill in step $step"
      continue
    fi
    KILLS=$((KILLS + 1))
    go "${WORDS[@]}" || fail "$1, killed in step $step: $(said)"
    same "$1, killed in step $step" "$whole" "$(essence)"
  done
}

same() { [[ $2 == "$3" ]] || fail "$1: $(diff <(printf '%s\n' "$2") <(printf '%s\n' "$3"))"; }

said() { tail -n 8 "$WORK/out" "$WORK/err"; }

begin_walk() {
  WORK=$(mktemp -d)
  trap 'rm -rf "$WORK"' EXIT
  KILLS=0
}

end_walk() {
  ((KILLS > 0)) || fail "nothing was killed"
  printf 'figure: %s: %d kills\n' "$1" "$KILLS"
  [[ -z ${SEAWORTHY_TEST_FIGURES:-} ]] || printf 'killed: %s: %d kills\n' "$1" "$KILLS" >>"$SEAWORTHY_TEST_FIGURES"
}

# walk PLAYBOOK: for each loss that it is practised for.
walk() {
  begin_walk
  local loss losses
  losses=$({ "$SEAWORTHY" drill 2>&1 || true; } | sed -n "s|^ *$1: ||p" | tr -d ,)
  [[ -n $losses ]] || fail "drill names no loss that $1 is practised for"
  for loss in $losses; do
    rm -rf "$WORK/base"
    made "$1" "$loss"
    WORDS=(recover "$1" "${SUBJECT[@]}")
    killed_everywhere "$1 $loss"
  done
  end_walk "$1"
}

# walk_of_a_namespace STACK PLAYBOOK: what is restored outside of the cluster meanwhile is asked about.
walk_of_a_namespace() {
  begin_walk
  SANDBOX=single-node ASKS=yes
  WORDS=(recover "$1/$2" -n "$1")
  mkdir "$WORK/try"
  sbx install "$1" >"$WORK/out" 2>"$WORK/err" || fail "$1 is not installed: $(said)"
  mv "$WORK/try" "$WORK/base"
  killed_everywhere "$1/$2"
  end_walk "$1/$2"
}

# A volume that a replacement has put aside.
test_erase() {
  begin_walk
  made replace volume-emptied
  WORDS=(recover replace "${SUBJECT[@]}")
  agreed
  anew
  sbx "${WORDS[@]}" -o json >"$WORK/out" 2>"$WORK/err" || fail "nothing is put aside: $(said)"
  WORDS=(recover erase "${SUBJECT[@]}" --set "volume=$(jq -r '.report.left[] | select(test("put aside")) | split(",")[0] | ltrimstr("PersistentVolume/")' "$WORK/out")")
  rm -rf "$WORK/base"
  mv "$WORK/try" "$WORK/base"
  killed_everywhere erase
  end_walk erase
}
test_exadeploy_database() { walk_of_a_namespace exadeploy database; }
test_geodata_server() { walk_of_a_namespace geodata server; }
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
