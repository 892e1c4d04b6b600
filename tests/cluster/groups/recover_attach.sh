# A volume of a network that stays attached to a machine that is off, while a pod waits for it on another: made with a real
# attacher and a driver that lets one node at a time have it, recognised, and let go by the playbook, the contents compared.
# seaworthy
# nodes: 3
# shellcheck shell=bash
# shellcheck source=tests/cluster/lib/seaworthy.sh
. "$CLUSTER_DIR/lib/seaworthy.sh"
# shellcheck source=tests/cluster/groups/lib/attached.sh
. "$CLUSTER_DIR/groups/lib/attached.sh"
# shellcheck source=tests/cluster/groups/lib/lost.sh
. "$CLUSTER_DIR/groups/lib/lost.sh"
# shellcheck source=tests/cluster/groups/lib/killed.sh
. "$CLUSTER_DIR/groups/lib/killed.sh"

eval "$(declare -f end | sed '1s/^end/end_of_loss/')"
end() {
  [[ -z ${AWAY:-} ]] || setsid "$CLUSTER_DIR/node" start "$AWAY" --name "$NAME" >/dev/null 2>&1 || true
  end_of_network_volumes
  end_of_loss
}

is_unready() { [[ $(kubectl get node "$1" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}') == Unknown ]]; }

node_of_post() { k get pod "$(pod_of_post)" -o 'jsonpath={.spec.nodeName}'; }

post_runs() { k get pod "$(pod_of_post)" -o json | jq -e '.status.conditions[] | select(.type == "Ready" and .status == "True")' >/dev/null; }

attachments() { kubectl get volumeattachment -o json | jq -r --arg volume "net-$ID" '[.items[] | select(.spec.source.persistentVolumeName == $volume).spec.nodeName] | join(" ")'; }

taints() { kubectl get node "$1" -o json | jq -r '[.spec.taints[]?.key | select(. == "node.kubernetes.io/out-of-service")] | join(" ")'; }

is_stuck() {
  sws recover -n "$NAMESPACE" -o json >"$WORK/shown" 2>/dev/null || true
  jq -e '.losses[] | select(.loss.kind == "attach-stuck" and .loss.certain and (.loss.facts | length) >= 2)' "$WORK/shown" >/dev/null
}

known() { in_post sh -c 'cd /data && sha256sum file-* | sha256sum'; }

# held_by_a_dead_node: a volume of known contents; its node, in AWAY, is off, and that is certain.
held_by_a_dead_node() {
  network_volumes
  a_post
  in_post sh -c 'i=0; while [ $i -lt 40 ]; do echo "$i of known contents" >/data/file-$i; i=$((i + 1)); done'
  CONTENTS=$(known)
  AWAY=$(node_of_post)
  same "who has it" "$AWAY" "$(owner)"
  "$CLUSTER_DIR/node" stop "$AWAY" --name "$NAME" >"$WORK/stopped" 2>&1 || fail "$(cat "$WORK/stopped")"
  eventually 120 is_unready "$AWAY"
  # A machine that is silent may be writing still: for five minutes nothing is certain.
  exits 0 sws recover -n "$NAMESPACE"
  eventually 500 is_stuck
  recognised attach-stuck
  same "attachments" "$AWAY" "$(attachments)"
}

# That the machine is off is for a person to say, by its name; until then nothing is done. What is to be typed is in `names`.
asked_for_its_name() {
  exits 2 sws recover detach --claim "$NAMESPACE/post" --yes -o json
  mapfile -t names < <(jq -r .error.hint "$WORK/out" | grep -oE -e '--(destroy-data|consent)=[^ ]+')
  contains "$AWAY" printf '%s ' "${names[@]}"
}

# runs_elsewhere NODE: one pod, on another node, which has the volume with what is on it.
runs_elsewhere() {
  eventually 60 post_runs
  [[ $(node_of_post) != "$1" ]] || fail "it runs on $1"
  same "who has it" "$(node_of_post)" "$(owner)"
  same "attachments" "$(node_of_post)" "$(attachments)"
  same "the contents" "$CONTENTS" "$(known)"
  same "taints" "" "$(taints "$1")"
  expect Retain kubectl get pv "net-$ID" -o 'jsonpath={.spec.persistentVolumeReclaimPolicy}'
  well
}

# switched_on: the machine that was off, with a driver.
switched_on() {
  local node=$AWAY
  "$CLUSTER_DIR/node" start "$node" --name "$NAME" >"$WORK/started" 2>&1 || fail "$(cat "$WORK/started")"
  AWAY=''
  driver_on "$node"
}

test_a_volume_that_a_dead_node_holds_is_let_go() {
  begin
  held_by_a_dead_node
  local mark took node=$AWAY
  expect "true" jq '.losses[] | select(.loss.kind == "attach-stuck").proposals | any(.command | contains("recover detach"))' "$WORK/out"
  mark=$(audit_mark)
  asked_for_its_name
  same "writes" "" "$(audited_writes "$mark")"
  took=$SECONDS
  exits 0 sws recover detach --claim "$NAMESPACE/post" --yes "${names[@]}"
  says "report: detach"
  figure "attach-stuck | let go in $((SECONDS - took)) s"
  runs_elsewhere "$node"
  same "attachments that the program deleted" "" "$(audited_writes "$mark" | grep volumeattachments || true)"
  # The machine is switched on again: it has no claim to the volume, and nothing moves.
  in_post sh -c 'echo written since >/data/file-since'
  CONTENTS=$(known)
  switched_on
  runs_elsewhere "$node"
  expect 1 eval 'k get pod -l app=post -o name | wc -l'
}

# Killed when the machine is marked as out of service, and it is switched on with the mark: no pod would stay on it, and its volumes
# would be taken away from it while it writes. Who goes on is told that it runs, and the mark is taken back; the volume is where its pod is.
test_a_node_that_comes_back_while_it_is_marked() {
  begin
  held_by_a_dead_node
  local code=0 node=$AWAY
  asked_for_its_name
  open_door a
  # The lock, the policy, the mark.
  plan_door a "at=3&when=after&kill=$WORK/killed"
  through a sw_as "$WORK/killed" recover detach --claim "$NAMESPACE/post" --yes "${names[@]}" >"$WORK/killed.out" 2>&1 || code=$?
  ((code == 137)) || fail "it was to be killed, and ended with $code: $(cat "$WORK/killed.out")"
  same "taints" node.kubernetes.io/out-of-service "$(taints "$node")"
  switched_on
  same "taints" node.kubernetes.io/out-of-service "$(taints "$node")"
  exits 0 sws recover -n "$NAMESPACE"
  says "runs resume"
  exits 1 sws runs resume --yes
  says "is ready again"
  same "taints" "" "$(taints "$node")"
  eventually 120 post_runs
  same "who has it" "$(node_of_post)" "$(owner)"
  same "the contents" "$CONTENTS" "$(known)"
  well
}
