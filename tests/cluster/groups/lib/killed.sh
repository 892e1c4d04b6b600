# Killing the program at a chosen point, and proving that the next run comes to
# the same end as one that nobody disturbed.
# shellcheck shell=bash

install_arguments=(install "$STACK" --profile single-node -f "$VALUES" --yes)

# sw_as PID-FILE install_arguments|ARGUMENT...: the program, its pid in the file
# before it does anything.
sw_as() {
  local file=$1
  shift
  [[ $1 != install_arguments ]] || set -- "${install_arguments[@]}" -n "$NAMESPACE"
  # shellcheck disable=SC2016
  timeout --kill-after 5 "${SEAWORTHY_TEST_SECONDS:-180}" bash -c 'echo $$ >"$0"; exec "$@"' "$file" "$SEAWORTHY" --kubeconfig "$CONFIG" --timeout 60s "$@"
}

# traced INJECTION install_arguments: the program; strace acts when the journal's
# writer asks the disk to make a line durable.
traced() {
  command -v strace >/dev/null || apt-get -qy install --no-install-recommends strace >/dev/null
  timeout --kill-after 5 180 strace -f -qq -o "$WORK/$NAMESPACE.strace" -e trace=fdatasync -e "inject=fdatasync:$1" \
    "$SEAWORTHY" --kubeconfig "$CONFIG" --timeout 60s "${install_arguments[@]}" -n "$NAMESPACE"
}

# state_of: everything of the installation that is not this one's alone
state_of() {
  kubectl get --namespace "$NAMESPACE" deployment,daemonset,service,configmap,secret,serviceaccount,persistentvolumeclaim,networkpolicy,poddisruptionbudget \
    -l "seaworthy.dev/stack=$STACK,seaworthy.dev/namespace=$NAMESPACE" --show-managed-fields -o json |
    jq -S '[.items[] | {kind, name: .metadata.name, labels: .metadata.labels, data, type, automount: .automountServiceAccountToken,
      spec: (if .spec then .spec | del(.clusterIP, .clusterIPs, .volumeName) else null end),
      owned: [.metadata.managedFields[] | select(.manager == "seaworthy") | {operation, fieldsV1}]}] | sort_by(.kind, .name)' |
    sed "s/$NAMESPACE/NAMESPACE/g"
}

# undisturbed: the state that an install comes to which nobody disturbs, in
# $WORK/undisturbed. It takes a while to make, so it is kept for as long as the
# plan and the server are the same.
undisturbed() {
  local kept
  NAMESPACE=tp-$ID-whole
  forget_later "$NAMESPACE"
  exits 0 install --dry-run -o json
  kept=$CACHE/undisturbed-$({ jq -cS '[.plan.steps[].action]' "$WORK/out" | sed "s/$NAMESPACE/NAMESPACE/g" && kubectl get --raw /version; } | sha256sum | cut -c1-16)
  if [[ ! -s $kept ]]; then
    exits 0 install --yes
    state_of >"$WORK/undisturbed"
    (($(jq length "$WORK/undisturbed") >= 15)) || fail "the undisturbed install made only $(jq length "$WORK/undisturbed") objects"
    cp "$WORK/undisturbed" "$kept.$ID" && mv "$kept.$ID" "$kept"
    kubectl delete namespace "$NAMESPACE" --wait=false >/dev/null
  fi
  cp "$kept" "$WORK/undisturbed"
}

# side_by_side COMMAND FIRST STEP: COMMAND NUMBER in two workers, FIRST,
# FIRST+STEP..., until one returns 10: there is no such number any more.
side_by_side() {
  local command=$1 first=$2 step=$3 worker jobs=() job
  for worker in 0 1; do
    (
      # The test tidies up, not its parts.
      trap - EXIT
      number=$((first + worker * step)) code=0
      while ((code == 0)); do
        # Not `|| code=$?`: within that, a command that fails would end nothing.
        ("$command" "$number" "$worker") &
        wait $! || code=$?
        ((code != 0)) || printf '%d\n' "$number" >>"$WORK/walked"
        number=$((number + 2 * step))
      done
      ((code == 10))
    ) &
    jobs+=($!)
  done
  for job in "${jobs[@]}"; do wait "$job" || worker=failed; done
  [[ $worker != failed ]] || fail "see above"
}

# walk_writes WHEN FIRST STEP
walk_writes() {
  begin
  undisturbed
  WHEN=$1
  open_door worker0
  open_door worker1
  side_by_side killed_at_write "$2" "$3"
  (($(wc -l <"$WORK/walked") > 2)) || fail "only $(wc -l <"$WORK/walked") writes"
  figure "writes $(sort -n "$WORK/walked" | paste -sd ' ')"
}

# killed_at_write NUMBER WORKER
killed_at_write() {
  local number=$1 door=worker$2 code=0
  part "$WHEN-$number"
  plan_door "$door" "at=$number&when=$WHEN&kill=$WORK/$NAMESPACE.killed"
  through "$door" sw_as "$WORK/$NAMESPACE.killed" install_arguments >"$WORK/$NAMESPACE.out" 2>&1 || code=$?
  if (($(count "$door" acted) == 0)); then
    ((code == 0)) || fail "write $number was not reached, and the run ended with $code: $(cat "$WORK/$NAMESPACE.out")"
    no_lock
    return 10
  fi
  ((code == 137)) || fail "killed $WHEN write $number, and it ended with $code: $(cat "$WORK/$NAMESPACE.out")"
  go_on "$door" "$number" "killed $WHEN write $number"
  kubectl delete namespace "$NAMESPACE" --wait=false >/dev/null
}

# part NAME: a namespace, a state folder and outputs of its own
part() {
  NAMESPACE=tp-$ID-$1
  forget_later "$NAMESPACE"
  export SEAWORTHY_STATE_DIR=$WORK/$NAMESPACE.state
}

# go_on DOOR NUMBER WHAT: takes the run up again, and proves the end
go_on() {
  local door=$1 number=$2 what=$3 before marked=no code=0 how=(install_again)
  before=$(uids)
  if k exec "deployment/$STACK-collector" -c telemetry-collector -- sh -c "echo $number >/data/marker" >/dev/null 2>&1; then marked=yes; fi
  # By the same command, and by the journal, in turn; without a journal there is only the former.
  if ((number / 3 % 2)) && run_states 2>/dev/null | grep -qE '^(open|interrupted)$'; then how=(sw runs resume --yes); fi
  plan_door "$door"
  through "$door" "${how[@]}" >"$WORK/$NAMESPACE.again" 2>&1 || code=$?
  ((code == 0)) || fail "$what, ${how[*]} ended with $code:
$(cat "$WORK/$NAMESPACE.again")"
  all_well
  same "$what: the state" "$(cat "$WORK/undisturbed")" "$(state_of)"
  same "$what: what was there before" "$before" "$(comm -12 <(printf '%s\n' "$before") <(uids))"
  same "$what: objects written twice" "" "$(own_writes "$door" | grep -v ' 201$')"
  [[ $marked == no ]] || expect "$number" k exec "deployment/$STACK-collector" -c telemetry-collector -- cat /data/marker
  same "$what: runs that are not done" "" "$(run_states 2>/dev/null | grep -v '^done$')"
  lock_is_nobodys "$what"
}

install_again() { install --yes; }

# A run that was killed while it gave its lock back has left it, and nobody has
# had a reason to write since. The next who has takes it over at once.
lock_is_nobodys() {
  local lease
  lease=$(kubectl --namespace "$SYSTEM" get lease "$NAMESPACE.$STACK" --ignore-not-found -o 'jsonpath={.spec.holderIdentity}')
  [[ -n $lease ]] || return 0
  [[ $lease == */$(cat "$WORK/$NAMESPACE.killed")/* && -z $(own_writes "$door") ]] || fail "$1: the lock is held by $lease"
  exits 0 uninstall
  no_lock
}

# walk_journal kept|torn|lost FIRST STEP: what the disk has of the last line
walk_journal() {
  begin
  undisturbed
  KEPT=$1
  open_door worker0
  open_door worker1
  side_by_side killed_at_line "$2" "$3"
  (($(wc -l <"$WORK/walked") > 2)) || fail "only $(wc -l <"$WORK/walked") lines"
  figure "commits $(sort -n "$WORK/walked" | paste -sd ' ')"
}

killed_at_line() {
  local number=$1 door=worker$2 code=0 journal
  part "$KEPT-$number"
  plan_door "$door"
  through "$door" traced "signal=KILL:when=$number" >"$WORK/$NAMESPACE.out" 2>&1 || code=$?
  ((code != 0)) || return 10
  ((code == 137)) || fail "killed at line $number, and it ended with $code: $(cat "$WORK/$NAMESPACE.out")"
  journal=$(find "$SEAWORTHY_STATE_DIR/runs" -name '*.jsonl')
  [[ -s $journal ]] || fail "no journal at line $number"
  case $KEPT in
    torn) truncate -s -7 "$journal" ;;
    lost) head -n -1 "$journal" >"$journal.part" && cat "$journal.part" >"$journal" && rm "$journal.part" ;;
  esac
  : >"$WORK/$NAMESPACE.killed"
  go_on "$door" "$number" "killed at line $number, which is $KEPT"
  kubectl delete namespace "$NAMESPACE" --wait=false >/dev/null
}

# stopped_by SIGNAL CODE
stopped_by() {
  begin
  sw_as "$WORK/killed" install_arguments >"$WORK/out" 2>"$WORK/err" &
  local job=$! code=0 run before
  eventually 30 k get deployment "$STACK-mq"
  kill "-$1" "$(cat "$WORK/killed")"
  wait "$job" || code=$?
  ((code == $2)) || fail "ended with $code: $(cat "$WORK/err")"
  run=$(sw runs list -o json | jq -r '.items[0].run')
  says " runs resume $run"
  expect interrupted run_states
  no_lock
  before=$(uids)
  exits 0 sw runs resume "$run" --yes
  all_well
  same "what was there before" "$before" "$(comm -12 <(printf '%s\n' "$before") <(uids))"
  expect 'done' run_states
  no_lock
}
