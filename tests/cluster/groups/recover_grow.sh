# A full volume of a class that lets it grow: made larger by a real resizer and a driver, while its pod goes on. Expected of each
# is said in its first line; written before the first run.
# seaworthy
# nodes: 3
# shellcheck shell=bash
# shellcheck source=tests/cluster/lib/seaworthy.sh
. "$CLUSTER_DIR/lib/seaworthy.sh"
# shellcheck source=tests/cluster/groups/lib/attached.sh
. "$CLUSTER_DIR/groups/lib/attached.sh"
# shellcheck source=tests/cluster/groups/lib/lost.sh
. "$CLUSTER_DIR/groups/lib/lost.sh"

CLASS=net-$RANDOM

eval "$(declare -f end | sed '1s/^end/end_of_loss/')"
end() {
  end_of_network_volumes
  kubectl delete storageclass "$CLASS" --ignore-not-found >/dev/null 2>&1 || true
  end_of_loss
  [[ -z ${DISK:-} ]] || on_disk umount -l "$STORE/$ID" 2>/dev/null || true
}

on_disk() { nsenter --target "$(node_pid "$DISK")" --mount "$@"; }

# a_small_volume GROWS: of 4 MiB, a file system of its own, with a class that lets it grow or does not, and a pod that writes to it.
a_small_volume() {
  local cut
  STORE=$WORK/store
  mkdir -p "$STORE/$ID"
  DISK=$(kubectl get node -o 'jsonpath={.items[0].metadata.name}')
  on_disk mount -t tmpfs -o size=4m,mode=777 tmpfs "$STORE/$ID"
  network_volumes
  kubectl apply -f - >/dev/null <<END
{"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "$CLASS"}, "provisioner": "$DRIVER", "allowVolumeExpansion": $1}
END
  # Of that class, and as small as it is.
  cut=$(declare -f a_post | sed "s/storageClassName: \"\"/storageClassName: $CLASS/; s/16Mi/4Mi/g; s/^a_post/a_small_post/; s|terminationGracePeriodSeconds: 1|nodeSelector: {kubernetes.io/hostname: $DISK}|")
  eval "$cut"
  a_small_post
  in_post sh -c 'i=0; while [ $i -lt 20 ]; do echo "$i of known contents" >/data/file-$i; i=$((i + 1)); done'
  CONTENTS=$(known)
}

known() { in_post sh -c 'cd /data && sha256sum file-* | sha256sum'; }

fill() { in_post sh -c 'dd if=/dev/zero of=/data/filling bs=64k 2>/proc/1/fd/1 || true'; }

# Expected: recognised as full, `grow` proposed; 4Mi becomes 8Mi without a restart of its pod, and it takes writes again.
test_a_full_volume_of_a_class_that_grows_is_made_larger_while_its_pod_goes_on() {
  begin
  a_small_volume true
  local pod took
  pod=$(pod_of_post)
  fill
  recognised volume-full
  contains " recover grow --claim $NAMESPACE/post" cat "$WORK/out"
  exits 2 sws recover grow --claim "$NAMESPACE/post" --set size=4Mi --yes
  says "is not more than that"
  took=$SECONDS
  exits 0 sws recover grow --claim "$NAMESPACE/post" --yes
  figure "grown in $((SECONDS - took)) s"
  expect "8Mi 8Mi" k get pvc post -o 'jsonpath={.spec.resources.requests.storage} {.status.capacity.storage}'
  same "the pod" "$pod" "$(pod_of_post)"
  in_post sh -c 'dd if=/dev/zero of=/data/more bs=64k count=32 2>/dev/null && rm /data/more'
  same "the contents" "$CONTENTS" "$(known)"
  exits 0 sws recover -n "$NAMESPACE"
}

# Expected: the same loss, and `grow` is not proposed; asked for, it names the class and writes nothing.
test_one_whose_class_does_not_let_it_grow_is_left_as_it_is() {
  begin
  a_small_volume false
  fill
  recognised volume-full
  if grep -q "recover grow" "$WORK/out"; then fail "it is proposed: $(cat "$WORK/out")"; fi
  exits 2 sws recover grow --claim "$NAMESPACE/post" --yes
  says "its class $CLASS does not allow it"
  expect 4Mi k get pvc post -o 'jsonpath={.spec.resources.requests.storage}'
}
