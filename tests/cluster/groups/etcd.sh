# An application's etcd, of one member and of three, with the real program: full, wiped, cut off; recognised, and
# brought back over its JSON gateway. What is expected stands first; the data is compared through the application.
# seaworthy
# images: etcd
# standins: newton-v2t
# shellcheck shell=bash
# shellcheck source=tests/cluster/lib/seaworthy.sh
. "$CLUSTER_DIR/lib/seaworthy.sh"

STACK=newton-v2t
VALUES=$CLUSTER_DIR/values/newton-v2t.yaml
ETCD=$STACK-etcd

# launch MEMBERS [ARGUMENT...]: installed, with something in etcd.
launch() {
  exits 0 install --yes --set "etcd.replicaCount=$1" "${@:2}"
  for i in 1 2 3 4 5; do etcdctl 0 put "/known/$i" "content $i" >/dev/null; done
  CONTENTS=$(contents)
}

# etcdctl MEMBER ARGUMENT...
etcdctl() { k exec "$ETCD-$1" -c etcd -- etcdctl "${@:2}"; }

contents() { etcdctl "${1:-0}" get --prefix /known/ | sha256sum; }

# wipe MEMBER...: everything that they have written is gone, and their pods with it.
wipe() {
  local member
  for member; do k exec "$ETCD-$member" -c etcd -- sh -c 'rm -rf /var/lib/etcd/data'; done
  for member; do k delete pod "$ETCD-$member" --wait=false >/dev/null; done
}

ready() { k get statefulset "$ETCD" -o 'jsonpath={.status.readyReplicas}'; }

is_ready() { [[ $(ready) == "$1" ]]; }

# recognises LOSS: the program ends with 3 then.
recognises() { { sw recover -n "$NAMESPACE" -o json 2>/dev/null || true; } | jq -e --arg loss "$1" '[.losses[].loss | select(.kind == $loss and .certain)] | length == 1' >/dev/null; }

# recovers PLAYBOOK MEMBER [ARGUMENT...]
recovers() {
  exits 0 sw recover "$1" --claim "$NAMESPACE/data-$ETCD-$2" --yes "${@:3}"
  eventually 60 nothing_lost
}

nothing_lost() { [[ $(sw recover -n "$NAMESPACE" -o json 2>/dev/null | jq '[.losses[] | select(.loss.certain)] | length') == 0 ]]; }

template() { k get statefulset "$ETCD" -o json | jq -cS '[.spec.template, .spec.updateStrategy]'; }

uids() { k get pod -l app.kubernetes.io/component=etcd -o json | jq -r '.items[] | "\(.metadata.name) \(.metadata.uid)"' | grep -v -- "-$1 "; }

test_an_etcd_that_is_well_is_recorded_and_nothing_is_lost() {
  begin
  launch 3
  exits 0 sw recover -n "$NAMESPACE"
  says 'no loss is recognised'
  expect 3 jq '.etcds[0].members | length' "$SEAWORTHY_STATE_DIR"/records/*/*.json
  expect true jq '.etcds[0].revision >= 1' "$SEAWORTHY_STATE_DIR"/records/*/*.json
}

# One of three: "has already been bootstrapped", until it was taken out and added again. The others are not restarted.
test_a_wiped_member_of_three_comes_back_from_the_others() {
  begin
  launch 3
  local before template
  before=$(uids 1) template=$(template)
  wipe 1
  eventually 120 recognises etcd-member-lost
  exits 2 sw recover etcd-member --claim "$NAMESPACE/data-$ETCD-1" --yes
  says "--destroy-data=PersistentVolumeClaim/$NAMESPACE/data-$ETCD-1"
  recovers etcd-member 1 "--destroy-data=pvc/$NAMESPACE/data-$ETCD-1"
  expect 3 ready
  same others "$before" "$(uids 1)"
  same template "$template" "$(template)"
  same contents "$CONTENTS" "$(contents 1)"
  expect 1 kept
  # The snapshot that was taken first ends with the checksum of all that is before it.
  local snapshot
  snapshot=$(ls "$SEAWORTHY_STATE_DIR"/exports/*.db)
  expect 600 stat -c %a "$snapshot"
  same checksum "$(head -c -32 "$snapshot" | sha256sum | cut -c 1-64)" "$(tail -c 32 "$snapshot" | od -An -v -tx1 | tr -d ' \n')"
}

# Killed at every second of it, and taken up again.
test_a_member_comes_back_although_the_recovery_is_killed() {
  begin
  launch 3
  local seconds template
  template=$(template)
  wipe 2
  eventually 120 recognises etcd-member-lost
  for seconds in 1 2 4 8 12; do
    timeout --signal KILL "$seconds" "$SEAWORTHY" --kubeconfig "$CONFIG" recover etcd-member --claim "$NAMESPACE/data-$ETCD-2" --yes \
      "--destroy-data=pvc/$NAMESPACE/data-$ETCD-2" >/dev/null 2>&1 || true
  done
  # The last of them may have come to its end; what has not is taken up.
  if sw runs list -o json | jq -e '.items[-1].state | IN("open", "interrupted")' >/dev/null; then exits 0 sw runs resume --yes; fi
  eventually 60 nothing_lost
  eventually 60 is_ready 3
  same template "$template" "$(template)"
  same contents "$CONTENTS" "$(contents 2)"
}

# A single member that was wiped is well, with the same numbers; only the record tells.
test_a_wiped_single_member_is_found_out_by_its_record_and_made_anew() {
  begin
  launch 1
  exits 0 install --yes --set etcd.replicaCount=1 --set dashboard.replicaCount=2
  wipe 0
  eventually 120 is_ready 1
  eventually 120 recognises etcd-emptied
  exits 2 sw recover "$STACK/etcd" -n "$NAMESPACE" --yes
  says --consent=lose-users
  recovers "$STACK/etcd" 0 "--destroy-data=pvc/$NAMESPACE/data-$ETCD-0" --consent=lose-users
  exits 0 sw status "$STACK" -n "$NAMESPACE"
}

# Its file is cut off: "file size too small".
test_a_member_with_a_broken_file_comes_back_from_the_others() {
  begin
  launch 3
  k exec "$ETCD-0" -c etcd -- sh -c 'echo x >/var/lib/etcd/data/member/snap/db'
  k delete pod "$ETCD-0" --wait=false >/dev/null
  eventually 180 recognises etcd-corrupt
  recovers etcd-member 0 "--destroy-data=pvc/$NAMESPACE/data-$ETCD-0"
  same contents "$CONTENTS" "$(contents 0)"
}

# The space is used up: writes are refused until it is made, and the alarm taken back.
test_a_full_etcd_takes_writes_again() {
  begin
  launch 3 --set 'etcd.extraArgs={--quota-backend-bytes=16777216}'
  for i in $(seq 60); do
    k exec "$ETCD-0" -c etcd -- sh -c 'head -c 400000 /dev/zero | tr "\0" x | etcdctl put /big' >/dev/null 2>&1 || break
  done
  eventually 60 recognises etcd-full
  recovers etcd-space 0
  etcdctl 1 put /after 1 >/dev/null || fail 'it takes no writes'
  expect '' etcdctl 0 alarm list
  same contents "$CONTENTS" "$(contents 2)"
}

# Two of three away: nothing is proposed, a snapshot is not asked for, and they come back by themselves.
test_without_a_majority_nothing_is_proposed() {
  begin
  launch 3
  k patch statefulset "$ETCD" --type merge -p '{"spec":{"updateStrategy":{"type":"OnDelete","rollingUpdate":null},"template":{"spec":{"nodeSelector":{"no":"node"}}}}}' >/dev/null
  k delete pod "$ETCD-1" "$ETCD-2" --wait=false >/dev/null
  eventually 240 recognises etcd-quorum-lost
  expect 0 proposals_for etcd-quorum-lost
}

# Two of three for good: their volumes are gone, with all that was on them. What the third has is all there is, and all of it comes back.
test_a_majority_that_is_lost_for_good_begins_again_with_what_is_left() {
  begin
  launch 3
  exits 0 sw recover -n "$NAMESPACE"
  local cluster revision
  cluster=$(status 2 cluster_id)
  lose_volume_of 0
  lose_volume_of 1
  eventually 240 recognises etcd-quorum-lost
  # As soon as both volumes are seen to be gone.
  eventually 60 is_proposed etcd-quorum-lost
  revision=$(status 2 revision)
  exits 2 sw recover etcd-restore --claim "$NAMESPACE/data-$ETCD-0" --yes
  says --consent=no-way-back
  destroys_all
  recovers etcd-restore 0 --consent=no-way-back "${DESTROYED[@]}"
  eventually 60 is_ready 3
  for member in 0 1 2; do same "contents of $member" "$CONTENTS" "$(contents "$member")"; done
  [[ $(status 0 cluster_id) != "$cluster" ]] || fail 'it is the same cluster'
  (($(status 1 revision) >= revision)) || fail "revision $(status 1 revision), was $revision"
  expect 3 eval "kubectl get pv -l seaworthy.dev/quarantine=replaced -o json | jq '[.items[] | select(.spec.claimRef.namespace == \"$NAMESPACE\")] | length + 2'"
  expect '' eval "k get pod -l seaworthy.dev/helper -o name"
  etcdctl 1 put /after 1 >/dev/null || fail 'it takes no writes'
}

# Killed again and again, it comes to the same end.
test_a_restore_comes_to_its_end_although_it_is_killed() {
  begin
  launch 3
  exits 0 sw recover -n "$NAMESPACE"
  lose_volume_of 1
  lose_volume_of 2
  eventually 240 recognises etcd-quorum-lost
  local seconds
  destroys_all
  for seconds in 2 6 9 12 15 18; do
    timeout --signal KILL "$seconds" "$SEAWORTHY" --kubeconfig "$CONFIG" recover etcd-restore --claim "$NAMESPACE/data-$ETCD-0" --yes \
      --consent=no-way-back "${DESTROYED[@]}" >/dev/null 2>&1 || true
  done
  if sw runs list -o json | jq -e '.items[-1].state | IN("open", "interrupted")' >/dev/null; then exits 0 sw runs resume --yes; fi
  eventually 60 nothing_lost
  eventually 60 is_ready 3
  for member in 0 1 2; do same "contents of $member" "$CONTENTS" "$(contents "$member")"; done
}

# A backup that was made while it ran has a snapshot: all of it lost, it begins again from that.
test_all_of_an_etcd_is_brought_back_from_the_snapshot_of_a_backup() {
  begin
  launch 3
  exits 0 sw backup "$STACK" -n "$NAMESPACE" --yes
  wipe 0 1 2
  eventually 120 is_ready 3
  exits 2 sw restore "$STACK" -n "$NAMESPACE" --yes -o json
  local names
  mapfile -t names < <(jq -r .error.hint "$WORK/out" | grep -o -e '--destroy-data=[^ ]*')
  exits 0 sw restore "$STACK" -n "$NAMESPACE" --yes "${names[@]}"
  eventually 60 is_ready 3
  for member in 0 1 2; do same "contents of $member" "$CONTENTS" "$(contents "$member")"; done
  exits 0 sw status "$STACK" -n "$NAMESPACE"
}

# lose_volume_of MEMBER: the object goes past its finalizers, the folder with it, and the pod.
lose_volume_of() {
  local volume
  volume=$(k get pvc "data-$ETCD-$1" -o 'jsonpath={.spec.volumeName}')
  k exec "$ETCD-$1" -c etcd -- sh -c 'rm -rf /var/lib/etcd/data'
  kubectl delete pv "$volume" --wait=false >/dev/null
  kubectl patch pv "$volume" --type merge -p '{"metadata":{"finalizers":null}}' >/dev/null
  k delete pod "$ETCD-$1" --wait=false >/dev/null
}

# What goes when all members begin anew.
destroys_all() { DESTROYED=("--destroy-data=pvc/$NAMESPACE/data-$ETCD-"{0,1,2}); }

# kept: how many volumes of this test were put aside.
kept() {
  kubectl get pv -l seaworthy.dev/quarantine=replaced -o json |
    jq --arg of "$NAMESPACE" '[.items[] | select(.spec.claimRef.namespace == $of)] | length'
}

# status MEMBER FIELD: of what a member says of itself.
status() { etcdctl "$1" endpoint status -w json | jq -r ".[0].Status.header.$2"; }

is_proposed() { [[ $(proposals_for "$1") == 1 ]]; }

# proposals_for LOSS: how many
proposals_for() {
  { sw recover -n "$NAMESPACE" -o json 2>/dev/null || true; } | jq --arg loss "$1" '[.losses[] | select(.loss.kind == $loss) | .proposals[]] | length'
}
