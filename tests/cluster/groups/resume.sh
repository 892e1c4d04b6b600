# Runs that do not reach their end: killed at every write, at every line of the
# journal, stopped by signals, shut out by a lock. Each is taken up again and must
# come to the same cluster as an undisturbed run, with nothing made twice.
# seaworthy
# standins: telemetry-pipeline
# shellcheck shell=bash
# shellcheck source=tests/cluster/lib/seaworthy.sh
. "$CLUSTER_DIR/lib/seaworthy.sh"
# shellcheck source=tests/cluster/groups/lib/killed.sh
. "$CLUSTER_DIR/groups/lib/killed.sh"

# --- killed at the N-th write. A fifth of the writes each, so that no test is long.

test_killed_before_write_1_6_11() { walk_writes before 1 5; }
test_killed_before_write_2_7_12() { walk_writes before 2 5; }
test_killed_before_write_3_8_13() { walk_writes before 3 5; }
test_killed_before_write_4_9_14() { walk_writes before 4 5; }
test_killed_before_write_5_10_15() { walk_writes before 5 5; }
test_killed_during_write_1_6_11() { walk_writes during 1 5; }
test_killed_during_write_2_7_12() { walk_writes during 2 5; }
test_killed_during_write_3_8_13() { walk_writes during 3 5; }
test_killed_during_write_4_9_14() { walk_writes during 4 5; }
test_killed_during_write_5_10_15() { walk_writes during 5 5; }
test_killed_after_write_1_6_11() { walk_writes after 1 5; }
test_killed_after_write_2_7_12() { walk_writes after 2 5; }
test_killed_after_write_3_8_13() { walk_writes after 3 5; }
test_killed_after_write_4_9_14() { walk_writes after 4 5; }
test_killed_after_write_5_10_15() { walk_writes after 5 5; }

# Every try is killed after four writes, two or three of which are the lock's.
test_killed_again_and_again() {
  begin
  open_door door
  local tries=0 code=137
  while ((code == 137)); do
    ((++tries < 20)) || fail "no end after $tries tries"
    plan_door door "at=4&when=after&kill=$WORK/killed"
    code=0
    through door sw_as "$WORK/killed" install_arguments >"$WORK/out" 2>"$WORK/err" || code=$?
  done
  ((code == 0)) || fail "try $tries ended with $code: $(cat "$WORK/err")"
  ((tries > 4)) || fail "it was killed only $((tries - 1)) times"
  all_well
  no_lock
  expect 'done' eval 'run_states | tail -n 1'
  figure "$tries tries"
}

# --- killed at the journal's disk: the line is there, half of it is, or none of it.

test_killed_at_journal_line_1_4_7_kept() { walk_journal kept 1 3; }
test_killed_at_journal_line_2_5_8_kept() { walk_journal kept 2 3; }
test_killed_at_journal_line_3_6_9_kept() { walk_journal kept 3 3; }
test_killed_at_journal_line_1_4_7_torn() { walk_journal torn 1 3; }
test_killed_at_journal_line_2_5_8_torn() { walk_journal torn 2 3; }
test_killed_at_journal_line_3_6_9_torn() { walk_journal torn 3 3; }
test_killed_at_journal_line_1_4_7_lost() { walk_journal lost 1 3; }
test_killed_at_journal_line_2_5_8_lost() { walk_journal lost 2 3; }
test_killed_at_journal_line_3_6_9_lost() { walk_journal lost 3 3; }

# A disk that does not take the intent: nothing is done that is not written down.
test_a_full_disk_stops_the_run_before_it_acts() {
  begin
  open_door door
  local code=0 number
  for number in 1 2 4; do
    NAMESPACE=tp-$ID-$number SEAWORTHY_STATE_DIR=$WORK/state-$number
    forget_later "$NAMESPACE"
    plan_door door
    code=0
    through door traced "error=ENOSPC:when=$number" install_arguments >"$WORK/out" 2>"$WORK/err" || code=$?
    ((code == 1)) || fail "ended with $code: $(cat "$WORK/err")"
    says 'o space left' journal SEAWORTHY_STATE_DIR
    # Each write stands below an intent: there are never more of them than durable lines.
    (($(own_writes door | wc -l) < number)) || fail "it wrote $(own_writes door) after $number lines"
    no_lock
  done
  exits 0 install --yes
  all_well
}

# --- signals

test_interrupted_once_closes_the_journal_and_says_how_to_go_on() { stopped_by INT 130; }
test_terminated_once_closes_the_journal_and_says_how_to_go_on() { stopped_by TERM 143; }
test_hung_up_closes_the_journal_and_says_how_to_go_on() { stopped_by HUP 129; }

# Whoever presses Ctrl-C at an outage wants to leave, and to go on later.
test_interrupted_while_the_api_server_is_away() {
  begin
  open_door door
  plan_door door refuse-after=6
  through door sw_as "$WORK/killed" install_arguments >"$WORK/out" 2>"$WORK/err" &
  local job=$! code=0
  eventually 60 grep -q 'does not answer' "$WORK/err"
  kill -INT "$(cat "$WORK/killed")"
  wait "$job" || code=$?
  ((code == 130)) || fail "ended with $code: $(cat "$WORK/err")"
  says 'runs resume'
  expect interrupted run_states
  plan_door door
  exits 0 through door sw runs resume --yes
  all_well
  no_lock
}

# The API server takes the request and does not answer, so the first signal has to wait.
test_interrupted_twice_ends_at_once() {
  begin
  open_door door
  through door sw_as "$WORK/killed" install_arguments >"$WORK/out" 2>"$WORK/err" &
  local run=$! code=0 began
  eventually 30 k get deployment "$STACK-mq"
  kill -STOP "$(cat "$WORK/door.pid")"
  kill -INT "$(cat "$WORK/killed")"
  eventually 5 grep -q 'once more' "$WORK/err"
  is_alive "$(cat "$WORK/killed")" || fail "it did not wait for what is under way"
  began=$EPOCHREALTIME
  kill -INT "$(cat "$WORK/killed")"
  wait "$run" || code=$?
  figure "$(seconds_since "$began") s"
  kill -CONT "$(cat "$WORK/door.pid")"
  ((code == 130)) || fail "ended with $code"
  awk -v took="$(seconds_since "$began")" 'BEGIN { exit took > 2 }' || fail "it took $(seconds_since "$began") s"
  exits 0 install --yes
  says 'going on with run'
  all_well
  no_lock
}

is_alive() { kill -0 "$1" 2>/dev/null; }

# --- the lock

test_two_installs_at_once() {
  begin
  sw_as "$WORK/killed" install_arguments >"$WORK/first.out" 2>"$WORK/first.err" &
  local first=$! code=0 holder
  eventually 30 kubectl --namespace "$SYSTEM" get lease "$NAMESPACE.$STACK"
  holder=$(cat "$WORK/killed")
  exits 1 install --yes
  says locked "process $holder on" "$NAMESPACE.$STACK"
  # From a machine that knows nothing of that run, too.
  SEAWORTHY_STATE_DIR=$WORK/elsewhere exits 1 install --yes
  says locked "process $holder on"
  expect "" journals_elsewhere
  wait "$first" || code=$?
  ((code == 0)) || fail "the first ended with $code: $(cat "$WORK/first.err")"
  all_well
  no_lock
}

journals_elsewhere() { SEAWORTHY_STATE_DIR=$WORK/elsewhere journals; }

test_a_lock_of_a_killed_process_is_taken_over_at_once() {
  begin
  open_door door
  plan_door door "at=5&when=before&kill=$WORK/killed"
  local code=0
  through door sw_as "$WORK/killed" install_arguments >"$WORK/out" 2>"$WORK/err" || code=$?
  ((code == 137)) || fail "ended with $code: $(cat "$WORK/err")"
  contains "/$(cat "$WORK/killed")/" kubectl --namespace "$SYSTEM" get lease "$NAMESPACE.$STACK" -o 'jsonpath={.spec.holderIdentity}'
  plan_door door
  exits 0 through door install --yes
  # The lock was the first thing written, without a wait before it.
  local took
  took=$(jq -rs 'map(select(.mutating)) | .[0:2] | map(.time | sub("\\.[0-9]+Z$"; "Z") | fromdate) | .[1] - .[0]' "$WORK/door.requests")
  ((took <= 2)) || fail "it waited $took s for the lock"
  no_lock
}

# foreign_lock SECONDS-AGO: held by a process of another host
foreign_lock() {
  kubectl create namespace "$SYSTEM" >/dev/null 2>&1 || true
  kubectl apply --server-side --force-conflicts --field-manager elsewhere -f - >/dev/null <<YAML
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata: {name: $NAMESPACE.$STACK, namespace: $SYSTEM}
spec:
  holderIdentity: elsewhere/another-boot/1/1
  leaseDurationSeconds: 60
  renewTime: "$(date -u -d "$1 seconds ago" +%Y-%m-%dT%H:%M:%S.%6NZ)"
YAML
}

test_a_lock_of_another_host_is_only_taken_over_when_it_is_old_and_somebody_says_so() {
  begin
  local key=$NAMESPACE.$STACK
  foreign_lock 5
  exits 1 install --yes
  says locked elsewhere
  exits 1 install --yes --take-lock "$key"
  foreign_lock 120
  exits 1 install --yes
  says locked elsewhere "--take-lock $key"
  expect "" kubectl get namespace "$NAMESPACE" --ignore-not-found -o name
  expect "" journals
  exits 0 install --yes --take-lock "$key"
  all_well
  no_lock
}

# Somebody took the lock over in the middle: the run ends, and the other's lock stays.
test_a_lock_that_is_lost_ends_the_run() {
  begin
  # A pod that never becomes ready keeps the run under way until its lock is renewed.
  kubectl create namespace "$NAMESPACE" >/dev/null
  k apply -f - >/dev/null <<'YAML'
apiVersion: v1
kind: ResourceQuota
metadata: {name: none}
spec: {hard: {pods: "0"}}
YAML
  sw_as "$WORK/killed" install_arguments >"$WORK/out" 2>"$WORK/err" &
  local run=$! code=0
  eventually 30 kubectl --namespace "$SYSTEM" get lease "$NAMESPACE.$STACK"
  foreign_lock 0
  wait "$run" || code=$?
  ((code == 1)) || fail "it ended with $code: $(cat "$WORK/err")"
  says "the lock of $NAMESPACE.$STACK was lost" "runs resume"
  expect interrupted run_states
  # What the other holds is not given back by us.
  contains elsewhere kubectl --namespace "$SYSTEM" get lease "$NAMESPACE.$STACK" -o 'jsonpath={.spec.holderIdentity}'
}

# --- what a run that was stopped wants of the next one

test_other_wishes_than_the_open_runs_are_refused() {
  begin
  open_door door
  plan_door door "at=8&when=before&kill=$WORK/killed"
  local code=0
  through door sw_as "$WORK/killed" install_arguments >"$WORK/out" 2>"$WORK/err" || code=$?
  ((code == 137)) || fail "ended with $code: $(cat "$WORK/err")"
  plan_door door
  exits 2 through door install --yes --set dashboard.enabled=false
  says dashboard.enabled --replan "runs resume"
  same writes "" "$(writes door)"
  exits 0 install --yes --set dashboard.enabled=false --replan
  expect "" k get deployment "$STACK-dashboard" --ignore-not-found -o name
  expect "abandoned done" eval 'run_states | paste -sd " "'
  no_lock
}

test_an_aborted_run_is_not_gone_on_with() {
  begin
  open_door door
  plan_door door "at=8&when=before&kill=$WORK/killed"
  through door sw_as "$WORK/killed" install_arguments >"$WORK/out" 2>"$WORK/err" || true
  local run
  run=$(sw runs list -o json | jq -r '.items[0].run')
  exits 0 sw runs abort "$run"
  exits 2 sw runs resume "$run" --yes
  exits 0 install --yes
  expect "abandoned done" eval 'run_states | paste -sd " "'
  all_well
}
