# Clusters that the program makes with the real kind, on a real Docker and a real Podman: made, killed in the middle, explained when they
# fail, brought back, deleted.
# seaworthy
# engines: docker podman
# shellcheck shell=bash

. "$CLUSTER_DIR/bench/measure.sh"
# shellcheck source=tests/cluster/lib/said.sh
. "$CLUSTER_DIR/lib/said.sh"
. "$CLUSTER_DIR/groups/lib/screen.sh"

PATCHES=$CLUSTER_DIR/manifests/kind.yaml

# sail ENGINE: a name, a kubeconfig and a state of this test alone; `create` makes the cluster on that engine.
sail() {
  CLUSTER=create$RANDOM
  export_engine "$1"
  [[ $1 != podman ]] || export CONTAINER_HOST=unix://$SOCKET
  IMAGE=$(load_node_image)
  WORK=$(mktemp -d)
  at_exit rm -rf "$WORK"
  KIND=$(tool_path kind)
  at_exit env -u CONTAINER_HOST "$KIND" delete cluster --name "$CLUSTER"
  mkdir "$WORK/bin"
  ln -s "$KIND" "$WORK/bin/kind"
  export PATH=$WORK/bin:$PATH KUBECONFIG=$WORK/kubeconfig SEAWORTHY_STATE_DIR=$WORK/state
}

# sw ENDS ARGUMENT...: the program, which has to end with that code; what it says is in $WORK/said.
sw() { PATIENCE=170 ends "$1" "$SEAWORTHY" "${@:2}"; }

create() { sw 0 cluster create --name "$CLUSTER" --engine "$ENGINE" --image "$IMAGE" --config "$PATCHES" --yes "$@"; }

containers() { "$ENGINE" ps --all --quiet --filter "label=io.x-k8s.kind.cluster=$CLUSTER"; }

addresses() { kubectl get nodes -o 'jsonpath={range .items[*]}{.metadata.name} {.status.addresses[?(@.type=="InternalIP")].address}{"\n"}{end}'; }

seconds() { sed -n 's/^.*done in \([0-9.]* [ms]*s\).*/\1/p' "$WORK/said" | tail -n 1; }

comes_and_goes() {
  sail "$1"
  create --nodes "$2"
  printf '%s nodes on %s: %s\n' "$2" "$1" "$(seconds)"
  expect "$2" sh -c 'kubectl get nodes --no-headers | grep -c " Ready "'
  sw 0 cluster list
  says "$CLUSTER"
  says "kind-$CLUSTER"
  sw 2 cluster create --name "$CLUSTER" --engine "$ENGINE" --config "$PATCHES" --yes
  says "a cluster $CLUSTER is there in $ENGINE"
  sw 0 prerequisites list --context "kind-$CLUSTER"
  says "its provisioner is there"
  sw 2 cluster delete "$CLUSTER" --yes
  says "--destroy-data $CLUSTER says it as well"
  [[ -n $(containers) ]] || fail "it was deleted without its name"
  sw 0 cluster delete "$CLUSTER" --destroy-data "$CLUSTER"
  expect "" containers
  expect "" kubectl config get-contexts -o name
  sw 2 cluster delete "$CLUSTER" --destroy-data "$CLUSTER"
  says "there is no cluster $CLUSTER"
}

test_docker_one() { comes_and_goes docker 1; }

test_docker_three() { comes_and_goes docker 3; }

test_podman_one() { comes_and_goes podman 1; }

test_podman_three() { comes_and_goes podman 3; }

# What kind leaves when it is killed is taken away, and the same command comes to the same end; in each of its stages.
test_killed_in_the_middle() {
  local after pid
  sail docker
  for after in 0.5 4 9; do
    "$SEAWORTHY" cluster create --name "$CLUSTER" --engine docker --image "$IMAGE" --config "$PATCHES" --yes >/dev/null 2>&1 </dev/null &
    pid=$!
    sleep "$after"
    kill -KILL "$pid"
    wait "$pid" 2>/dev/null || true
    create
    says "going on with run"
    expect 1 sh -c 'kubectl get nodes --no-headers | grep -c " Ready "'
    sw 0 cluster delete "$CLUSTER" --destroy-data "$CLUSTER"
  done
}

# Somebody makes a cluster of that name while the plan is looked at: theirs is left alone.
test_somebody_was_faster() {
  local pid before
  sail docker
  mkfifo "$WORK/keys"
  # `script` gives it a terminal, on which it waits for the answer.
  script -qefc "$SEAWORTHY cluster create --name $CLUSTER --engine docker --image $IMAGE --config $PATCHES" /dev/null <"$WORK/keys" >"$WORK/said" 2>&1 &
  pid=$!
  exec 7>"$WORK/keys"
  eventually 30 grep -q "Go ahead" "$WORK/said"
  "$KIND" create cluster --name "$CLUSTER" --image "$IMAGE" --config "$PATCHES" --kubeconfig "$WORK/theirs" >/dev/null 2>&1
  before=$(containers)
  printf 'y\r' >&7
  wait "$pid" && fail "it ended well: $(cat "$WORK/said")"
  says "were there before this plan began"
  expect "$before" containers
}

# The others went on all the while: what they say holds.
test_one_worker_was_stopped() {
  sail docker
  create --nodes 3
  docker stop "$CLUSTER-worker" >/dev/null
  sw 0 cluster up "$CLUSTER" --yes
  says "3 of 3 nodes"
  printf 'one worker of three brought back: %s\n' "$(seconds)"
  expect 3 sh -c 'kubectl get nodes --no-headers | grep -c " Ready "'
}

# What is given up for other wishes is taken away first, and said.
test_given_up_for_another() {
  local pid
  sail docker
  "$SEAWORTHY" cluster create --name "$CLUSTER" --engine docker --image "$IMAGE" --config "$PATCHES" --yes >/dev/null 2>&1 </dev/null &
  pid=$!
  eventually 60 has_containers
  kill -KILL "$pid"
  wait "$pid" 2>/dev/null || true
  sw 2 cluster create --name "$CLUSTER" --engine docker --image "$IMAGE" --config "$PATCHES" --port 18081:30081 --yes
  says "--replan gives it up"
  sw 0 cluster create --name "$CLUSTER" --engine docker --image "$IMAGE" --config "$PATCHES" --port 18081:30081 --replan --dry-run
  says "is deleted first: $CLUSTER-control-plane"
  create --port 18081:30081 --replan
  docker port "$CLUSTER-control-plane" | grep -q 18081 || fail "the port is not the new one: $(docker port "$CLUSTER-control-plane")"
}

has_containers() { [[ -n $(containers) ]]; }

# Ctrl-C ends kind with its children, and says how to go on.
test_interrupted() {
  local pid code=0
  sail docker
  "$SEAWORTHY" cluster create --name "$CLUSTER" --engine docker --image "$IMAGE" --config "$PATCHES" --yes >"$WORK/said" 2>&1 </dev/null &
  pid=$!
  eventually 60 grep -q 'run ' "$WORK/said"
  sleep 3
  kill -INT "$pid"
  wait "$pid" || code=$?
  ((code == 130)) || fail "ended with $code: $(cat "$WORK/said")"
  says "go on with: seaworthy runs resume"
  ! pgrep -f "kind create cluster --name $CLUSTER" || fail "kind is still at work"
  sw 0 runs resume --yes
  expect 1 sh -c 'kubectl get nodes --no-headers | grep -c " Ready "'
}

# A kubelet that ends at each start: kubeadm waits four minutes for it. Said in less than one, with the logs kept and nothing left.
test_a_kubelet_that_ends() {
  local began=$SECONDS
  sail docker
  { cat "$PATCHES" && printf '%s\n' 'kubeadmConfigPatches:' '- |' '  kind: KubeletConfiguration' '  apiVersion: kubelet.config.k8s.io/v1beta1' '  podsPerCore: -1'; } >"$WORK/sick.yaml"
  sw 1 cluster create --name "$CLUSTER" --engine docker --image "$IMAGE" --config "$WORK/sick.yaml" --yes
  says "KubeletEnds: the kubelet of a node ends as soon as it is started"
  says "podsPerCore (--pods-per-core) -1 must not be a negative number"
  ((SECONDS - began < 60)) || fail "it took $((SECONDS - began)) s"
  printf 'explained after %s s\n' $((SECONDS - began))
  expect "" containers
  expect 1 sh -c "find '$WORK/state/clusters/$CLUSTER' -name kubelet.log | wc -l"
  # What failed is over: the next one is a new one.
  create
}

test_what_stands_in_the_way_is_said_at_once() {
  local began=$SECONDS
  sail docker
  sw 2 cluster create --name "$CLUSTER" --engine docker --image kindest/node:v1.35.0 --yes
  says "the kubelet of kindest/node:v1.35.0 refuses"
  python3 -m http.server --bind 127.0.0.1 28642 >/dev/null 2>&1 &
  at_exit kill $!
  eventually 10 curl -sf http://127.0.0.1:28642/
  sw 2 cluster create --name "$CLUSTER" --engine docker --image "$IMAGE" --port 28642:30080 --yes
  says "port 28642 of this machine cannot be had"
  rm "$WORK/bin/kind"
  sw 2 cluster create --name "$CLUSTER" --engine docker --image "$IMAGE" --yes
  says "kind is not on the PATH"
  DOCKER_HOST=unix://$WORK/nobody.sock sw 2 cluster create --name "$CLUSTER" --engine docker --image "$IMAGE" --yes
  says "no docker answers on this machine"
  ((SECONDS - began < 40)) || fail "it took $((SECONDS - began)) s"
}

# Ports, mounts, and an authority that the nodes are to trust.
test_what_was_asked_for_is_there() {
  sail docker
  mkdir "$WORK/data"
  echo kept >"$WORK/data/file"
  openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=harbour -keyout "$WORK/key" -out "$WORK/ca.pem" 2>/dev/null
  create --port 28643:30080 --mount "$WORK/data:/data:ro" --ca "$WORK/ca.pem"
  expect kept docker exec "$CLUSTER-control-plane" cat /data/file
  expect 127.0.0.1:28643 docker port "$CLUSTER-control-plane" 30080
  docker cp "$WORK/ca.pem" "$CLUSTER-control-plane:/root/leaf.pem"
  contains OK docker exec "$CLUSTER-control-plane" openssl verify -CApath /etc/ssl/certs /root/leaf.pem
}

# What the profile of a stack wants of its cluster.
test_a_profile_has_its_ports_and_folders() {
  sail docker
  sw 0 stacks new mine --dir "$WORK/stacks"
  sed -i 's|needs: {nodes: 1,|needs: {ports: ["28644:30080"], folders: [/srv/data], nodes: 1,|' "$WORK/stacks/mine/stack.yaml"
  create --profiles "$WORK/stacks" --stack mine --profile single-node
  expect 127.0.0.1:28644 docker port "$CLUSTER-control-plane" 30080
  docker exec "$CLUSTER-control-plane" touch /srv/data/made-in-the-node
  expect made-in-the-node ls "$WORK/state/clusters/$CLUSTER/folders/srv-data"
}

# alone: on a network of their own, where nobody else leaves or takes an address.
alone() {
  export KIND_EXPERIMENTAL_DOCKER_NETWORK=$CLUSTER
  EXITS+=("docker network rm $CLUSTER")
}

# After a reboot: the order of the addresses that they had gives each its own again.
test_brought_back() {
  local before
  sail docker
  alone
  create --profile ha
  before=$(addresses)
  docker stop "$CLUSTER-control-plane" "$CLUSTER-worker" "$CLUSTER-worker2" >/dev/null
  sw 0 cluster list
  says stopped
  sw 0 cluster up "$CLUSTER" --yes
  printf 'brought back: %s\n' "$(seconds)"
  expect "$before" addresses
  says_not moved
  expect 3 sh -c 'kubectl get nodes --no-headers | grep -c " Ready "'
  expect "" kubectl get pods -n kube-system --field-selector status.phase!=Running -o name
}

# Somebody else has an address of theirs: kind's nodes mend their settings, and it is said.
test_brought_back_at_other_addresses() {
  sail docker
  alone
  create --profile ha
  docker stop "$CLUSTER-control-plane" "$CLUSTER-worker" "$CLUSTER-worker2" >/dev/null
  docker run --detach --rm --name "$CLUSTER-squatter" --network "$CLUSTER" --entrypoint sleep "$IMAGE" 600 >/dev/null
  at_exit docker rm --force "$CLUSTER-squatter"
  sw 0 cluster up "$CLUSTER" --yes
  printf 'brought back: %s\n' "$(seconds)"
  says "its address moved from"
  expect 3 sh -c 'kubectl get nodes --no-headers | grep -c " Ready "'
}

# A folder of this machine that all nodes have: volumes that several of them write to, from nothing to nothing.
test_shared_volumes() {
  sail docker
  create --profile ha --shared-volumes
  sw 0 prerequisites list --context "kind-$CLUSTER" -o json
  says "survives a node, not this disk"
  sw 0 cluster delete "$CLUSTER" --dry-run
  says "what its nodes share stays on this machine: $WORK/state/clusters/$CLUSTER/shared"
}

# The same by keys alone: from the first screen to a cluster in the list, and home on it.
test_through_the_screen() {
  sail docker
  a_kind_of_this_machine
  on_screen "kind in docker"
  press_until "▸ + kind in docker" Down
  press Enter
  see "Its name"
  press C-u
  type_in "$CLUSTER"
  press Enter
  see "nodes"
  press Enter
  see "Go ahead"
  type_in y
  press Enter
  see "Enter"
  press Enter
  # Once it has answered; the cursor may be anywhere.
  see "✓ kind-$CLUSTER"
  press g
  press_until "▸ ✓ kind-$CLUSTER" Down
  press Enter
  see "control-plane"
  press q
  eventually 20 gone_from_screen
  expect 1 sh -c 'kubectl get nodes --no-headers | grep -c " Ready "'
  sw 0 cluster delete "$CLUSTER" --destroy-data "$CLUSTER"
}

# Nobody can type an image or patches into the screen, and nothing can be pulled here: a kind before the real one, whose defaults they are. It
# says that it is of the generation whose usual image has a kubelet that takes control groups of version 1, which this machine may have.
a_kind_of_this_machine() {
  rm "$WORK/bin/kind"
  cat >"$WORK/bin/kind" <<END
#!/bin/sh
[ "\$1" != version ] || { echo "kind v0.30.0 go1.24.6 linux/amd64"; exit; }
[ "\$1 \$2" = "create cluster" ] || exec "$KIND" "\$@"
{ cat; sed '/^kind:/d; /^apiVersion:/d' "$PATCHES"; } | "$KIND" "\$@" --image "$IMAGE"
END
  chmod +x "$WORK/bin/kind"
}
