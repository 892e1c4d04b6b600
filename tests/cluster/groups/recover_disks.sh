# Disks that take no writes any more, and volumes that nobody erases: made on real file systems, recognised, recovered
# from, and the contents compared.
# seaworthy
# nodes: 3
# shellcheck shell=bash
# shellcheck source=tests/cluster/lib/seaworthy.sh
. "$CLUSTER_DIR/lib/seaworthy.sh"
# shellcheck source=tests/cluster/lib/all.sh
. "$CLUSTER_DIR/lib/all.sh"
use_cluster "$(basename "$(dirname "$KUBECONFIG")")"
# shellcheck source=tests/cluster/groups/lib/lost.sh
. "$CLUSTER_DIR/groups/lib/lost.sh"

MAKER=(-n local-path-storage deployment/local-path-provisioner)

# Whoever makes volumes runs again, and no file system is left mounted, however a test ends.
eval "$(declare -f end | sed '1s/^end/end_of_loss/')"
end() {
  kubectl scale "${MAKER[@]}" --replicas=1 >/dev/null 2>&1 || true
  end_of_loss
  [[ ! -s $WORK/mounted ]] || in_node "$(cut -d ' ' -f 1 "$WORK/mounted")" umount -l "$(cut -d ' ' -f 2 "$WORK/mounted")" || true
}

host_of() { kubectl get pv "$1" -o json | jq -r '.spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].values[0]'; }

path_of() { kubectl get pv "$1" -o json | jq -r '(.spec.local // .spec.hostPath).path'; }

# on_a_disk_of_its_own: what is on the volume of the history is on a small file system now, on the same node and at the same path.
on_a_disk_of_its_own() {
  local volume
  volume=$(volume_of history)
  DISK=$(host_of "$volume") FOLDER=$(path_of "$volume")
  core_to 0
  eventually 30 no_core
  in_node "$DISK" sh -c 'cp -a "$1" "$1.before" && mount -t tmpfs -o size=4m,mode=777 tmpfs "$1" && cp -a "$1.before/." "$1"' sh "$FOLDER"
  printf '%s %s\n' "$DISK" "$FOLDER" >"$WORK/mounted"
  core_to 1
  k rollout status deployment/sloop-core --timeout=60s >/dev/null
  same "the contents on the small disk" "$CONTENTS" "$(contents)"
}

# moved LOSS: with all that lies beside it, to another node; the old volumes are put aside.
moved() {
  local volume workspace imported took names
  volume=$(volume_of history) workspace=$(volume_of workspace)
  imported=$(in_core sh -c 'cd /workspace && ls | sort | sha256sum')
  recognised "$1"
  contains " recover move --claim $NAMESPACE/sloop-history" cat "$WORK/out"
  exits 0 sws recover move --claim "$NAMESPACE/sloop-history" --dry-run -o json
  mapfile -t names < <(irreversible)
  ((${#names[@]} == 2)) || fail "not both claims of the pod move: ${names[*]}"
  took=$SECONDS
  exits 0 sws recover move --claim "$NAMESPACE/sloop-history" --yes "${names[@]}"
  figure "$1 | recovered in $((SECONDS - took)) s"
  all_run
  same "the contents" "$CONTENTS" "$(contents)"
  same "the workspace" "$imported" "$(in_core sh -c 'cd /workspace && ls | sort | sha256sum')"
  [[ $(host_of "$(volume_of history)") != "$DISK" ]] || fail "it lies on $DISK again"
  same "the node" "$(host_of "$(volume_of history)")" "$(host_of "$(volume_of workspace)")"
  in_core touch /history/takes-writes
  for old in "$volume" "$workspace"; do
    expect 'Released replaced' kubectl get pv "$old" -o 'jsonpath={.status.phase} {.metadata.labels.seaworthy\.dev/quarantine}'
  done
  well
}

test_what_is_on_a_disk_that_became_read_only_moves_to_another_node() {
  begin
  launch
  on_a_disk_of_its_own
  well
  in_node "$DISK" mount -o remount,ro "$FOLDER"
  moved volume-read-only
}

test_what_is_on_a_full_disk_moves_to_another_node() {
  begin
  launch
  on_a_disk_of_its_own
  # Its own words, where a program's go: to the log.
  in_core sh -c 'dd if=/dev/zero of=/history/file-filling bs=64k 2>/proc/1/fd/1 || true'
  CONTENTS=$(contents)
  moved volume-full
}

# A disk that is half full takes writes, and one that a pod was given to read is no loss.
test_what_only_looks_like_a_disk_that_fails() {
  begin
  launch
  on_a_disk_of_its_own
  in_core sh -c 'dd if=/dev/zero of=/history/file-half bs=64k count=32 2>/dev/null'
  well
  k patch deployment sloop-core --type json -p '[{"op":"add","path":"/spec/template/spec/containers/0/volumeMounts/0/readOnly","value":true}]' >/dev/null
  k rollout status deployment/sloop-core --timeout=60s >/dev/null
  well
  in_node "$DISK" mount -o remount,ro "$FOLDER"
  well
}

# Expected: what is left is less than half, and the file that is open still is named; it can be copied out as is said. The same without
# anybody who has a file open is no loss: it may be as it is wanted.
test_files_that_were_deleted_under_a_writer_are_missed_and_can_be_copied() {
  begin
  launch
  well
  # The workspace: what was imported was there when all was well, and is in the record.
  in_core sh -c 'cd /workspace && ls | head -n 15 | xargs rm'
  well
  in_core sh -c 'echo precious >/workspace/held; (exec 3<>/workspace/held; exec sleep 600) >/dev/null 2>&1 </dev/null &'
  in_core sh -c 'rm /workspace/held'
  recognised volume-emptied
  jq -r '.losses[] | select(.loss.kind == "volume-emptied").loss.facts[]' "$WORK/out" >"$WORK/facts"
  grep -q '/workspace/held was deleted, and a program has it open still' "$WORK/facts" || fail "$(cat "$WORK/facts")"
  expect precious in_core sh -c 'cat "$(ls -d /proc/[0-9]*/fd/3 | while read -r fd; do [ "$(readlink "$fd")" != "/workspace/held (deleted)" ] || echo "$fd"; done | head -n 1)"'
}

# scratch NAME: a claim that no workload names, with a file, let go while nobody erases.
scratch() {
  k apply -f - >/dev/null <<END
{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "$1"},
  "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}}
END
  shell_pod "$1" '' "$1"
  ready "$1"
  k exec "$1" -- sh -c 'echo scratch >/data/what'
  k get pvc "$1" -o 'jsonpath={.spec.volumeName}'
}

let_go() {
  k delete pod "$1" --wait --now >/dev/null
  k delete pvc "$1" --wait >/dev/null
  eventually 30 is_released "$2"
}

no_maker() { [[ $(kubectl get "${MAKER[@]}" -o 'jsonpath={.status.readyReplicas}') == '' ]]; }

test_a_volume_that_nobody_wants_is_erased_and_the_one_beside_it_is_kept() {
  begin
  launch
  local one other disk folder
  one=$(scratch one) other=$(scratch other)
  disk=$(host_of "$one") folder=$(path_of "$one")
  in_node "$disk" test -s "$folder/what" || fail "no file in $folder on $disk"
  kubectl scale "${MAKER[@]}" --replicas=0 >/dev/null
  eventually 60 no_maker
  let_go one "$one"
  let_go other "$other"
  recognised volume-unerased
  exits 2 sws recover erase --claim "$NAMESPACE/one" --yes
  says "--destroy-data=PersistentVolume/$one"
  expect Delete kubectl get pv "$one" -o 'jsonpath={.spec.persistentVolumeReclaimPolicy}'
  exits 0 sws recover erase --claim "$NAMESPACE/one" --yes --destroy-data="PersistentVolume/$one"
  is_gone "$one" || fail "$one is still there"
  if in_node "$disk" test -e "$folder"; then fail "its folder is still there"; fi
  expect 'Released Retain' kubectl get pv "$other" -o 'jsonpath={.status.phase} {.spec.persistentVolumeReclaimPolicy}'
  expect scratch in_node "$(host_of "$other")" cat "$(path_of "$other")/what"
  same "the contents" "$CONTENTS" "$(contents)"
  well
}

gathered() { k exec first -- cat /data/a /data/b /data/c | paste -sd ' '; }

# at_node NODE FOLDER: the command of the guide `scattered-volume`.
at_node() {
  local command
  command=$(sws recover --guide scattered-volume -o json | jq -r '.steps[].run // empty | split("\n")[] | select(startswith("kubectl run "))')
  [[ -n $command ]] || fail "the guide has no such command"
  command=${command//at-NODE/at-$1}
  command=${command//NODE/$1} command=${command//NAMESPACE/$NAMESPACE} command=${command//IMAGE/$BUSYBOX} command=${command//PATH/$2}
  sh -c "$command" >/dev/null || fail "$command"
  ready "at-$1"
}

# The folder of every node is another one: nothing ties the volume to a node. Expected: recognised with what each node has, although by the
# record of nobody anything is missing; no playbook, the guide. Look-alikes: pods on one node, and what the guide comes to, all files on one.
test_a_volume_that_is_another_folder_on_every_node_is_recognised_and_gathered() {
  begin
  launch
  local folder=/var/lib/scattered-$NAMESPACE nodes
  mapfile -t nodes < <(kubectl get nodes -o name | cut -d / -f 2)
  kubectl create -f - >/dev/null <<END
{"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "$NAMESPACE-shared"}, "spec": {
  "capacity": {"storage": "1Mi"}, "accessModes": ["ReadWriteMany"], "persistentVolumeReclaimPolicy": "Retain", "storageClassName": "",
  "hostPath": {"path": "$folder", "type": "DirectoryOrCreate"}, "claimRef": {"namespace": "$NAMESPACE", "name": "shared"}}}
END
  k create -f - >/dev/null <<'END'
{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "shared"}, "spec": {"storageClassName": "",
  "accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Mi"}}}}
END
  shell_pod first "${nodes[0]}" shared
  shell_pod second "${nodes[0]}" shared
  ready first
  ready second
  k exec first -- sh -c 'echo one >/data/a; echo two >/data/b'
  well
  shell_pod third "${nodes[1]}" shared
  ready third
  k exec third -- sh -c 'echo stray >/data/c'
  recognised volume-scattered
  jq -r '.losses[] | select(.loss.kind == "volume-scattered") | .loss.facts[], .guide, (.proposals | length)' "$WORK/out" >"$WORK/told"
  contains "on ${nodes[0]} (/data in " cat "$WORK/told"
  contains 'holds 2 files' cat "$WORK/told"
  contains "on ${nodes[1]} (/data in third)" cat "$WORK/told"
  contains 'holds 1 file' cat "$WORK/told"
  contains 'scattered-volume 0' sh -c 'tail -n 2 "$1" | paste -sd " "' sh "$WORK/told"
  k delete pod third --now --wait >/dev/null
  # As the guide says it.
  at_node "${nodes[0]}" "$folder"
  at_node "${nodes[1]}" "$folder"
  k exec "at-${nodes[1]}" -- tar -C /v -cf - . | k exec -i "at-${nodes[0]}" -- tar -C /v -xkf - || fail "the files cannot be copied"
  k delete pod "at-${nodes[0]}" "at-${nodes[1]}" --wait >/dev/null
  expect 'one two stray' gathered
  well
  k delete pod first second --now --wait >/dev/null
  k delete pvc shared --wait >/dev/null
  kubectl delete pv "$NAMESPACE-shared" --wait >/dev/null
  in_node "${nodes[0]}" rm -r "$folder"
  in_node "${nodes[1]}" rm -r "$folder"
}
