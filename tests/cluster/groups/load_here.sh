# Images into a node that is the very machine on which the program runs: it is run inside of a node of the cluster, in all its
# namespaces, and reaches the node's own containerd by its socket. What has to come out was written before it was first run.
# seaworthy
# nodes: 2
# shellcheck shell=bash

# shellcheck source=tests/cluster/lib/seaworthy.sh
. "$CLUSTER_DIR/lib/seaworthy.sh"
# shellcheck source=tests/cluster/bench/measure.sh
. "$CLUSTER_DIR/bench/measure.sh"

SOCKET=/run/containerd/containerd.sock

# aboard: a test's own user, folder and image WEB in the archive WEB_TAR, and the first node, on which pods run.
aboard() {
  begin
  at_exit end
  STACK=hello HERE=$NAME-1 BESIDE=$NAME-2
  reach_from_nodes "$CONFIG"
  CRICTL=$(lazy_folder crictl)/crictl
  use_images
  # Others than root look into it, too.
  chmod 755 "$WORK"
  WEB=load.test/web:$ID WEB_TAR=$WORK/web.tar
  CHOICE=(hello --set image.repository=load.test/web --set "image.tag=$ID" --set image.pullPolicy=Never)
  ID_OF_WEB=$(make_image "$WEB_TAR" "$WEB" 1)
  at_exit forget "$HERE" "$WEB"
  kubectl create namespace "$NAMESPACE" >/dev/null
  eventually 20 kubectl -n "$NAMESPACE" get serviceaccount default
  shell_pod ballast "$HERE"
  ready ballast
}

# reach_from_nodes KUBECONFIG: with the address at which a node has the API server; this machine has it there, too.
reach_from_nodes() {
  local server
  server=$(sed -n 's/^ *server: *//p' "$PKI/node-$HERE.kubeconfig")
  jq --arg server "$server" '.clusters[].cluster.server = $server' "$1" >"$1.new"
  mv "$1.new" "$1"
}

# make_image ARCHIVE NAME MEGABYTES: as much of noise in it, after the usual shell; prints its id.
make_image() {
  head -c "$3M" /dev/urandom >"$WORK/noise"
  "$TOOLS/mkimage" -o "$1" -name "$2" "${SHELL_ARGS[@]}" -file "$WORK/noise:/noise" -cmd sh
  rm "$WORK/noise"
  tar -xOf "$1" manifest.json | jq -r '"sha256:" + (.[0].Config | rtrimstr(".json"))'
}

# on NODE ARGUMENT...: the program, as if it was typed on that node.
on() {
  local node=$1
  shift
  in_node "$node" timeout --kill-after 5 170 "$SEAWORTHY" --kubeconfig "$CONFIG" --timeout 60s "$@" </dev/null
}

load() { on "$HERE" images load "${CHOICE[@]}" --from "$WEB_TAR" --node "$HERE" "$@"; }

# with_crictl COMMAND...: as on a node that has the tool of the kubelet's interface.
with_crictl() { PATH=$PATH:${CRICTL%/*} "$@"; }

# held NODE IMAGE: the id under which the kubelet finds it there, or nothing.
held() {
  in_node "$1" "$CRICTL" --runtime-endpoint "unix://$SOCKET" --image-endpoint "unix://$SOCKET" images -o json |
    jq -r --arg name "$2" '.images[] | select(.repoTags | index($name)) | .id'
}

forget() { ctr_of "$1" images rm --sync "$2" >/dev/null; }

seconds() { sed -n 's/^.*done in \([0-9.]* [ms]*s\).*/\1/p' "$WORK/out" "$WORK/err" | tail -n 1; }

# A pod that may not pull starts from it, on that node.
page_answers() {
  kubectl cordon "$BESIDE" >/dev/null
  at_exit kubectl uncordon "$BESIDE"
  exits 0 sw install "${CHOICE[@]}" -n "$NAMESPACE" --yes
  says 'answered 200'
}

from_an_archive() {
  local mark
  aboard
  mark=$(audit_mark)
  exits 0 "$@" load --dry-run
  says '1 to create' "load $WEB into $HERE" "into the containerd of this machine, $SOCKET"
  expect "" held "$HERE" "$WEB"
  exits 2 "$@" load --read-only
  says 'refused by --read-only'
  expect "" held "$HERE" "$WEB"
  expect "" journals
  exits 0 "$@" load --yes
  figure "one image of $(stat -c %s "$WEB_TAR") bytes: $(seconds)"
  expect "$ID_OF_WEB" held "$HERE" "$WEB"
  expect "" held "$BESIDE" "$WEB"
  exits 0 "$@" load --yes
  says 'nothing to do: all is as wanted'
  expect 1 eval 'journals | wc -l'
  same "what is written to the cluster" "" "$(audited_writes "$mark")"
  page_answers
}

test_loaded_and_a_pod_starts_from_it() { from_an_archive with_crictl; }

# ctr alone tells it as well.
test_without_crictl() { from_an_archive eval; }

# The same name with another content, as after a new build; by either tool.
test_an_image_that_was_built_anew() {
  local before tool
  aboard
  exits 0 load --yes
  for tool in eval with_crictl; do
    before=$ID_OF_WEB
    ID_OF_WEB=$(make_image "$WEB_TAR" "$WEB" 1)
    exits 0 "$tool" load --yes
    says "the node has another image of this name: ${before:7:12}"
    expect "$ID_OF_WEB" held "$HERE" "$WEB"
    exits 0 "$tool" load --yes
    says 'nothing to do: all is as wanted'
  done
}

# two_images: a stack MINE with WEB, and before it a small image FIRST, in one archive.
two_images() {
  local folder=$WORK/both
  FIRST=load.test/first:$ID
  ID_OF_FIRST=$(make_image "$WORK/first.tar" "$FIRST" 1)
  at_exit forget "$HERE" "$FIRST"
  ID_OF_WEB=$(make_image "$WEB_TAR" "$WEB" 60)
  mkdir "$folder"
  tar -C "$folder" -xf "$WEB_TAR"
  mv "$folder/manifest.json" "$WORK/web.json"
  tar -C "$folder" -xf "$WORK/first.tar"
  jq -s add "$folder/manifest.json" "$WORK/web.json" >"$WORK/both.json"
  mv "$WORK/both.json" "$folder/manifest.json"
  tar -C "$folder" -cf "$WEB_TAR" .
  rm -r "$folder"
  exits 0 sw stacks new mine --dir "$WORK/stacks"
  sed -i "s|^      containers:|      initContainers:\n        - name: first\n          image: $FIRST\n          command: [\"true\"]\n&|" \
    "$WORK/stacks/mine/manifests/web.yaml"
  CHOICE=(mine --profiles "$WORK/stacks" "${CHOICE[@]:1}")
}

# slow_ctr: a `ctr` in front of the real one. The first import goes through; the second gets its first 20 MB, and the rest when
# there is a file $WORK/go.
slow_ctr() {
  mkdir "$WORK/bin"
  cat >"$WORK/bin/ctr" <<END
#!/bin/bash
if [[ " \$* " != *' import '* ]]; then exec $(command -v ctr) "\$@"; fi
if [[ ! -e $WORK/one ]]; then touch $WORK/one && exec $(command -v ctr) "\$@"; fi
{
  head -c 20000000
  touch $WORK/middle
  until [[ -e $WORK/go ]]; do sleep 0.1; done
  cat
} | $(command -v ctr) "\$@"
END
  chmod 755 "$WORK/bin/ctr"
}

# sailing: a load of both is under way, and stands still in the middle of WEB. The program's pid, as the node counts, is in $WORK/pid.
sailing() {
  slow_ctr
  # shellcheck disable=SC2016
  PATH=$WORK/bin:$PATH in_node "$HERE" bash -c 'echo $$ >"$0"; exec "$@"' "$WORK/pid" "$SEAWORTHY" --kubeconfig "$CONFIG" --timeout 60s \
    images load "${CHOICE[@]}" --from "$WEB_TAR" --node "$HERE" --yes >"$WORK/out" 2>"$WORK/err" </dev/null &
  SAILING=$!
  eventually 100 test -e "$WORK/middle"
  says "load $FIRST into $HERE"
  expect "$ID_OF_FIRST" held "$HERE" "$FIRST"
  expect "" held "$HERE" "$WEB"
}

no_import() { ! in_node "$HERE" pgrep -f -- "$WORK/bin/ctr|^[^ ]*ctr --address=$SOCKET .*images import"; }

# killed: in the middle. Half an image never becomes one.
killed() {
  in_node "$HERE" kill -KILL "$(cat "$WORK/pid")"
  wait "$SAILING" 2>/dev/null || true
  touch "$WORK/go"
  eventually 30 no_import
  expect "" held "$HERE" "$WEB"
}

test_killed_in_the_middle() {
  local run
  aboard
  two_images
  sailing
  killed
  run=$(journals)
  exits 0 on "$HERE" runs resume "${run%.jsonl}" --yes
  says 'it is there already'
  expect "$ID_OF_FIRST" held "$HERE" "$FIRST"
  expect "$ID_OF_WEB" held "$HERE" "$WEB"
  figure "60 MB taken up again: $(seconds)"
  exits 0 on "$HERE" images load "${CHOICE[@]}" --from "$WEB_TAR" --node "$HERE" --yes
  says 'nothing to do: all is as wanted'
}

# Interrupted, it ends what it had started, and says how to go on.
test_interrupted() {
  local code=0
  aboard
  two_images
  sailing
  in_node "$HERE" kill -INT "$(cat "$WORK/pid")"
  wait "$SAILING" || code=$?
  ((code == 130)) || fail "ended with $code: $(cat "$WORK/err")"
  says 'go on with: seaworthy' ' runs resume '
  eventually 10 no_import
  expect "" held "$HERE" "$WEB"
  # The plan names the ctr that was found then.
  touch "$WORK/go"
  exits 0 on "$HERE" runs resume --yes
  expect "$ID_OF_WEB" held "$HERE" "$WEB"
}

# as_nobody COMMAND...: on the node, without root.
as_nobody() {
  in_node "$HERE" setpriv --reuid=65534 --regid=65534 --clear-groups env HOME="$WORK/nobody" "SEAWORTHY_STATE_DIR=$WORK/nobody/state" \
    timeout --kill-after 5 170 "$WORK/seaworthy" --kubeconfig "$WORK/nobody/kubeconfig" "$@" </dev/null
}

nobody() {
  mkdir "$WORK/nobody"
  cp "$CONFIG" "$WORK/nobody/kubeconfig"
  cp "$SEAWORTHY" "$WORK/seaworthy"
  chown -R 65534:65534 "$WORK/nobody"
  chmod 755 "$WORK/seaworthy"
}

# Root is asked for, with the command; and that command is the one that does it.
test_root_is_asked_for() {
  local command
  aboard
  nobody
  exits 2 as_nobody images load "${CHOICE[@]}" --from "$WEB_TAR" --node "$HERE" --yes
  says "node $HERE is this machine, and only root may speak to its containerd ($SOCKET: permission denied); nothing was written"
  [[ ! -e $WORK/nobody/state ]] || fail "it wrote: $(ls -R "$WORK/nobody/state")"
  exits 0 as_nobody images load "${CHOICE[@]}" --from "$WEB_TAR" --node "$HERE" --dry-run
  says '1 to create' "only root may ask its containerd ($SOCKET: permission denied) what it has"
  expect "" held "$HERE" "$WEB"
  exits 2 as_nobody images load "${CHOICE[@]}" --from "$WEB_TAR" --node "$HERE" --yes
  command=$(sed -n 's/^ *hint: sudo -E //p' "$WORK/err")
  # What sudo -E keeps: the variables of who typed it.
  exits 0 in_node "$HERE" env HOME="$WORK/nobody" "SEAWORTHY_STATE_DIR=$WORK/nobody/state" sh -c "$command"
  expect "$ID_OF_WEB" held "$HERE" "$WEB"
  # The journal lies among theirs, so it is theirs, and so is all above it.
  expect "" find "$WORK/nobody" ! -uid 65534
  exits 0 as_nobody runs list
  says 'done'
  # What the node tells the API server is enough for a plan that is only shown.
  eventually 90 eval 'as_nobody images load "${CHOICE[@]}" --from "$WEB_TAR" --node "$HERE" --dry-run 2>&1 | grep -qE "1 unchanged|nothing to do"'
}

# A node that is another machine, seen from the one below the nodes and from a node beside it.
test_another_machine() {
  local mark
  aboard
  mark=$(audit_mark)
  exits 2 sw images load "${CHOICE[@]}" --from "$WEB_TAR" --node "$HERE" --yes
  says "no image can be put into node $HERE from here: it is not proved to be a container of this machine" \
    "type: ssh $HERE sudo ctr -n k8s.io images import - < $WEB_TAR"
  exits 2 on "$HERE" images load "${CHOICE[@]}" --from "$WEB_TAR" --yes
  says "no image can be put into node $BESIDE from here: it is not proved to be a container of this machine" "ssh $BESIDE sudo ctr"
  expect "" held "$HERE" "$WEB"
  expect "" journals
  same "what is written to the cluster" "" "$(audited_writes "$mark")"
}

# One machine after another that only looks like the node: it has its address and runs on the same kernel, then its machine id, too.
test_a_machine_with_the_same_address() {
  local address id
  aboard
  address=$(kubectl get node "$HERE" -o 'jsonpath={.status.addresses[?(@.type=="InternalIP")].address}')
  id=$(kubectl get node "$HERE" -o 'jsonpath={.status.nodeInfo.machineID}')
  in_node "$BESIDE" ip address add "$address/32" dev lo
  at_exit in_node "$BESIDE" ip address del "$address/32" dev lo
  exits 2 on "$BESIDE" images load "${CHOICE[@]}" --from "$WEB_TAR" --node "$HERE" --yes
  says "no image can be put into node $HERE from here: it has an address of this machine, and is not proved to be this machine: the node's machine id is \`$id\`"
  printf '%s\n' "$id" >"$WORK/machine-id"
  # shellcheck disable=SC2016
  exits 2 in_node "$BESIDE" unshare --mount bash -c 'mount --bind "$0" /etc/machine-id && exec timeout 170 "$@"' "$WORK/machine-id" \
    "$SEAWORTHY" --kubeconfig "$CONFIG" images load "${CHOICE[@]}" --from "$WEB_TAR" --node "$HERE" --yes
  says "no containerd of this machine is proved to be that of the node: $SOCKET: by the API server the node has" \
    'and this containerd none of them' "type: sudo ctr -n k8s.io images import - < $WEB_TAR"
  expect "" held "$BESIDE" "$WEB"
  expect "" journals
}

# other_containerd: one more, with an own folder and socket, that has nothing to do with Kubernetes.
other_containerd() {
  OTHER=$WORK/other.sock
  printf 'version = 2\nroot = "%s"\nstate = "%s"\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\n  address = "%s"\n' \
    "$WORK/other" "$WORK/other-state" "$OTHER" >"$WORK/other.toml"
  containerd --config "$WORK/other.toml" >"$WORK/other.log" 2>&1 &
  at_exit kill $!
  eventually 20 ctr --address "$OTHER" version
  at_exit in_node "$HERE" rm -rf /run/k3s
}

# two_sockets ARGUMENT...: the program on the node, where another containerd has the usual place and the node's own that of k3s.
two_sockets() {
  # shellcheck disable=SC2016
  in_node "$HERE" unshare --mount bash -c 'mkdir -p /run/k3s/containerd && touch /run/k3s/containerd/containerd.sock &&
    mount --bind "$0" /run/k3s/containerd/containerd.sock && mount --bind "$1" "$0" && shift && exec timeout 170 "$@"' \
    "$SOCKET" "$OTHER" "$SEAWORTHY" "$@" </dev/null
}

# may NAME RESOURCE...: a user who may look at these, with the kubeconfig $WORK/$ID-NAME.kubeconfig.
may() {
  local name=$ID-$1 resources
  resources=$(IFS=, && printf %s "${*:2}")
  kubectl create clusterrole "seaworthy-test-$name" --verb get,list --resource "$resources" >/dev/null
  kubectl label clusterrole "seaworthy-test-$name" "seaworthy-test=$ID" >/dev/null
  new_user "$name" "seaworthy-test-$name"
  reach_from_nodes "$WORK/$name.kubeconfig"
}

# Where the kubelet's word counts it is the only place; where it may not be asked, the containers decide.
test_two_sockets() {
  aboard
  other_containerd
  exits 2 two_sockets --kubeconfig "$CONFIG" images load "${CHOICE[@]}" --from "$WEB_TAR" --node "$HERE" --yes
  says "$SOCKET: by the API server the node has" 'and this containerd none of them'
  may lookout namespaces nodes pods
  exits 0 two_sockets --kubeconfig "$WORK/$ID-lookout.kubeconfig" images load "${CHOICE[@]}" --from "$WEB_TAR" --node "$HERE" --yes
  says 'into the containerd of this machine, /run/k3s/containerd/containerd.sock'
  expect "$ID_OF_WEB" held "$HERE" "$WEB"
  expect "" ctr --address "$OTHER" --namespace k8s.io images ls --quiet
}

# Without a look at its pods nothing proves that a containerd is the node's.
test_pods_that_may_not_be_read() {
  aboard
  may blind namespaces nodes
  CONFIG=$WORK/$ID-blind.kubeconfig
  exits 2 load --yes
  says 'which containers the node has cannot be read: pods is forbidden' 'its kubelet could not be asked'
  expect "" held "$HERE" "$WEB"
}

# Between a kill and its resumption the node was set up anew.
test_another_containerd_when_it_is_taken_up() {
  local run
  aboard
  two_images
  other_containerd
  sailing
  killed
  run=$(journals)
  exits 1 two_sockets runs resume "${run%.jsonl}" --yes
  says "the containerd at $SOCKET is" 'and the plan was made for' "node $HERE was set up anew, or is another"
  expect "" ctr --address "$OTHER" --namespace k8s.io images ls --quiet
}

# The disk of the node is full in the middle: nothing of it is left, and with room it goes on.
test_a_full_disk() {
  local run content=/var/lib/containerd/io.containerd.content.v1.content
  aboard
  ID_OF_WEB=$(make_image "$WEB_TAR" "$WEB" 40)
  in_node "$HERE" mount -t tmpfs -o size=20m tmpfs "$content"
  at_exit in_node "$HERE" umount "$content"
  in_node "$HERE" mkdir "$content/blobs" "$content/ingest"
  exits 1 load --yes
  says 'no space left on device' 'make room where the containerd of this machine keeps its data'
  in_node "$HERE" umount "$content"
  expect "" held "$HERE" "$WEB"
  run=$(journals)
  exits 0 on "$HERE" runs resume "${run%.jsonl}" --yes
  expect "$ID_OF_WEB" held "$HERE" "$WEB"
}

# What is not for this node, or not whole, is refused before anything is written.
test_a_foreign_and_a_damaged_archive() {
  aboard
  python3 "$CLUSTER_DIR/lib/foreign.py" arm64 <"$WEB_TAR" >"$WORK/arm.tar"
  head -c 100000 "$WEB_TAR" >"$WORK/cut.tar"
  exits 2 on "$HERE" images load "${CHOICE[@]}" --from "$WORK/arm.tar" --node "$HERE" --yes
  says "$WEB is made for linux/arm64, and node $HERE is linux/amd64"
  exits 2 on "$HERE" images load "${CHOICE[@]}" --from "$WORK/cut.tar" --node "$HERE" --yes
  says "$WORK/cut.tar: "
  expect "" held "$HERE" "$WEB"
  expect "" journals
}
