# Images that no registry has, put into the nodes of real clusters of kind by the program: from a real Docker, a real Podman, and archives
# that it has saved.
# seaworthy
# engines: docker podman
# shellcheck shell=bash

. "$CLUSTER_DIR/bench/measure.sh"
# shellcheck source=tests/cluster/lib/said.sh
. "$CLUSTER_DIR/lib/said.sh"

# moor ENGINE LINE...: a cluster made by kind itself, with these lines in its configuration, and an image WEB that only the engine has.
moor() {
  CLUSTER=load$RANDOM
  export_engine "$1"
  [[ $1 != podman ]] || export CONTAINER_HOST=unix://$SOCKET
  WORK=$(mktemp -d)
  at_exit rm -rf "$WORK"
  export KUBECONFIG=$WORK/kubeconfig SEAWORTHY_STATE_DIR=$WORK/state
  KIND=$(tool_path kind)
  at_exit env -u CONTAINER_HOST "$KIND" delete cluster --name "$CLUSTER"
  { cat "$CLUSTER_DIR/manifests/kind.yaml" && printf '%s\n' "${@:2}"; } >"$WORK/config.yaml"
  env -u CONTAINER_HOST "$KIND" create cluster --name "$CLUSTER" --image "$(load_node_image)" --config "$WORK/config.yaml" --wait 60s
  make_image
}

# The image, with a tag that no other test has.
make_image() {
  use_images
  WEB=load.test/web:$CLUSTER
  "$ENGINE" load --quiet --input "$(image_archive busybox)" >/dev/null
  "$ENGINE" tag docker.io/library/busybox:1.36.1 "$WEB"
  at_exit "$ENGINE" rmi --force "$WEB"
  CHOICE=(hello --set image.repository=load.test/web --set "image.tag=$CLUSTER" --set image.pullPolicy=Never)
}

three() { printf 'nodes: [{role: control-plane}, {role: worker}, {role: worker}]'; }

# sw ENDS ARGUMENT...: the program, which has to end with that code; what it says is in $WORK/said.
sw() { PATIENCE=170 ends "$1" "$SEAWORTHY" "${@:2}"; }

seconds() { sed -n 's/^.*done in \([0-9.]* [ms]*s\).*/\1/p' "$WORK/said" | tail -n 1; }

# in_node NODE IMAGE: the id under which the node has it, or nothing.
in_node() {
  "$ENGINE" exec "$1" crictl images -o json |
    python3 -c 'import json,sys; print("".join(i["id"] for i in json.load(sys.stdin)["images"] if sys.argv[1] in i["repoTags"]))' "$2"
}

# forget NODE IMAGE
forget() { "$ENGINE" exec "$1" ctr --namespace=k8s.io images rm --sync "$2" >/dev/null; }

# The pod of the stack may not pull, so it runs only when the image is where it was put.
page_answers() {
  sw 0 install "${CHOICE[@]}" --yes --timeout 90s
  says "answered 200"
}

from_the_engine() {
  local node nodes
  mapfile -t nodes < <("$KIND" get nodes --name "$CLUSTER")
  ((${#nodes[@]} == $2)) || fail "nodes: ${nodes[*]}"
  sw 0 images load "${CHOICE[@]}" --dry-run
  says "$2 to create"
  expect "" in_node "$CLUSTER-control-plane" "$WEB"
  sw 2 images load "${CHOICE[@]}" --read-only
  says "refused by --read-only"
  expect "" in_node "$CLUSTER-control-plane" "$WEB"
  sw 0 images load "${CHOICE[@]}" --yes
  printf '%s into %s nodes: %s\n' "$1" "$2" "$(seconds)"
  for node in "${nodes[@]}"; do
    [[ -n $(in_node "$node" "$WEB") ]] || fail "$node does not have it"
  done
  sw 0 images load "${CHOICE[@]}" --yes
  says "nothing to do: all is as wanted"
  expect 1 sh -c "ls '$WORK/state/runs' | wc -l"
  page_answers
}

test_docker_one() { moor docker && from_the_engine docker 1; }

test_docker_three() { moor docker "$(three)" && from_the_engine docker 3; }

test_podman_one() { moor podman && from_the_engine podman 1; }

# One node gets back what it lost, and the others nothing.
test_only_what_is_missing() {
  moor docker "$(three)"
  sw 0 images load "${CHOICE[@]}" --node "$CLUSTER-worker" --yes
  says "done"
  [[ -n $(in_node "$CLUSTER-worker" "$WEB") ]] || fail "it is not there"
  expect "" in_node "$CLUSTER-worker2" "$WEB"
  sw 0 images load "${CHOICE[@]}" --yes
  says "2 to create, 1 unchanged"
  forget "$CLUSTER-worker2" "$WEB"
  sw 0 images load "${CHOICE[@]}" --yes
  says "1 to create, 2 unchanged"
  says "load $WEB into $CLUSTER-worker2"
  sw 2 images load "${CHOICE[@]}" --node "$CLUSTER-wroker" --yes
  says "did you mean $CLUSTER-worker?"
}

# What the nodes lack is put into them first, and a rehearsal puts nothing.
test_an_install_loads_first() {
  moor docker
  sw 0 install "${CHOICE[@]}" --load-images --dry-run
  says "before it, into the nodes:"
  says "load $WEB into $CLUSTER-control-plane"
  expect "" in_node "$CLUSTER-control-plane" "$WEB"
  sw 2 install "${CHOICE[@]}" --load-images="$WORK/nowhere.tar" --yes
  says "$WORK/nowhere.tar"
  sw 0 install "${CHOICE[@]}" --load-images --yes --timeout 90s
  says "answered 200"
  [[ -n $(in_node "$CLUSTER-control-plane" "$WEB") ]] || fail "it is not there"
}

# The same name with another content, as after a new build.
test_an_image_that_was_built_anew() {
  local before
  moor docker
  sw 0 images load "${CHOICE[@]}" --yes
  before=$(in_node "$CLUSTER-control-plane" "$WEB")
  printf 'FROM %s\nLABEL built=anew\n' "$WEB" | DOCKER_BUILDKIT=0 docker build --quiet --tag "$WEB" - >/dev/null
  sw 0 images load "${CHOICE[@]}" --yes
  says "the node has another image of this name: ${before:7:12}"
  expect "$(docker image inspect --format '{{.Id}}' "$WEB")" in_node "$CLUSTER-control-plane" "$WEB"
  sw 0 images load "${CHOICE[@]}" --yes
  says "nothing to do"
}

# Saved here, carried there: an archive serves this program, docker, podman and ctr.
test_an_archive() {
  local archive id sum
  moor docker
  archive=$WORK/web.tar
  id=$(docker image inspect --format '{{.Id}}' "$WEB")
  sw 0 images save "${CHOICE[@]}" --archive "$archive" --yes
  printf 'saved: %s\n' "$(seconds)"
  sum=$(sha256sum "$archive")
  expect "$id" sh -c "tar -xOf '$archive' images.json | python3 -c 'import json,sys; print(json.load(sys.stdin)[\"images\"][0][\"id\"])'"
  # Every blob is what its name says, by sha256sum alone.
  mkdir "$WORK/open"
  tar -xf "$archive" -C "$WORK/open"
  expect "" sh -c "cd '$WORK/open/blobs/sha256' && for f in *; do echo \"\$f  \$f\"; done | sha256sum -c --quiet"
  sw 2 images save "${CHOICE[@]}" --archive "$archive" --yes
  says "is there already, and no archive is ever written over"
  docker rmi --force "$WEB" >/dev/null
  sw 2 images load "${CHOICE[@]}" --yes
  says "does not have it"
  says "--from FILE"
  sw 0 images load "${CHOICE[@]}" --from "$archive" --yes
  printf 'loaded from it: %s\n' "$(seconds)"
  expect "$id" in_node "$CLUSTER-control-plane" "$WEB"
  sw 0 images load "${CHOICE[@]}" --from "$archive" --yes
  says "nothing to do"
  page_answers
  forget "$CLUSTER-control-plane" "$WEB"
  docker exec -i "$CLUSTER-control-plane" ctr --namespace=k8s.io images import - <"$archive" >/dev/null
  contains sha256: in_node "$CLUSTER-control-plane" "$WEB"
  expect "Loaded image: $WEB" docker load --quiet --input "$archive"
  expect "$id" docker image inspect --format '{{.Id}}' "$WEB"
  expect "$sum" sha256sum "$archive"
  # What docker itself saves serves as well.
  docker save --output "$WORK/docker.tar" "$WEB"
  forget "$CLUSTER-control-plane" "$WEB"
  sw 0 images load "${CHOICE[@]}" --from "$WORK/docker.tar" --yes
  expect "$id" in_node "$CLUSTER-control-plane" "$WEB"
  export_engine podman
  contains "$WEB" podman load --quiet --input "$archive"
  podman rmi --force "$WEB" >/dev/null
}

test_a_damaged_archive_loads_nothing() {
  local archive length
  moor docker
  archive=$WORK/web.tar
  sw 0 images save "${CHOICE[@]}" --archive "$archive" --yes
  length=$(stat -c %s "$archive")
  for cut in 1 700 $((length / 2)) $((length - 2000)) $((length - 1024)); do
    head -c "$cut" "$archive" >"$WORK/cut.tar"
    sw 2 images load "${CHOICE[@]}" --from "$WORK/cut.tar" --yes
    says "$WORK/cut.tar: "
  done
  cp "$archive" "$WORK/altered.tar"
  printf 'X' | dd of="$WORK/altered.tar" bs=1 seek=$((length / 3)) conv=notrunc status=none
  sw 2 images load "${CHOICE[@]}" --from "$WORK/altered.tar" --yes
  says "it was altered, or damaged"
  gzip --keep "$archive"
  sw 2 images load "${CHOICE[@]}" --from "$archive.gz" --yes
  says "gunzip"
  sw 2 images load hello --set image.tag=none --from "$archive" --yes
  says "$archive does not have it"
  expect "" in_node "$CLUSTER-control-plane" "$WEB"
  expect 1 sh -c "ls '$WORK/state/runs' | wc -l"
}

# An image for other processors is refused before anything is written.
test_a_foreign_architecture() {
  moor docker
  docker save "$WEB" | python3 "$CLUSTER_DIR/lib/foreign.py" arm64 >"$WORK/arm.tar"
  docker rmi --force "$WEB" >/dev/null
  docker load --quiet --input "$WORK/arm.tar" >/dev/null
  expect arm64 docker image inspect --format '{{.Architecture}}' "$WEB"
  sw 2 images load "${CHOICE[@]}" --yes
  says "$WEB is made for linux/arm64, and node $CLUSTER-control-plane is linux/amd64"
  sw 2 images load "${CHOICE[@]}" --from "$WORK/arm.tar" --yes
  says "$WEB is made for linux/arm64, and node $CLUSTER-control-plane is linux/amd64"
  expect "" in_node "$CLUSTER-control-plane" "$WEB"
}

# big_image MEGABYTES: WEB with a large layer that does not compress.
big_image() {
  mkdir -p "$WORK/big"
  head -c "$1M" /dev/urandom >"$WORK/big/noise"
  printf 'FROM %s\nCOPY noise /noise\n' "$WEB" >"$WORK/big/Dockerfile"
  DOCKER_BUILDKIT=0 docker build --quiet --tag "$WEB" "$WORK/big" >/dev/null
  rm "$WORK/big/noise"
}

# Killed, a load is taken up again: what is done is not done twice. Interrupted, it says how to go on.
test_stopped_in_the_middle() {
  local pid code=0 run
  moor docker "$(three)"
  big_image 100
  "$SEAWORTHY" images load "${CHOICE[@]}" --yes >"$WORK/said" 2>&1 </dev/null &
  pid=$!
  eventually 60 grep -q 'ok   load' "$WORK/said"
  kill -KILL "$pid"
  wait "$pid" 2>/dev/null || true
  run=$(ls "$WORK/state/runs")
  sw 0 runs resume "${run%.jsonl}" --yes
  says "it is there already"
  for node in control-plane worker worker2; do
    [[ -n $(in_node "$CLUSTER-$node" "$WEB") ]] || fail "$node does not have it"
    forget "$CLUSTER-$node" "$WEB"
  done
  "$SEAWORTHY" images load "${CHOICE[@]}" --yes >"$WORK/said" 2>&1 </dev/null &
  pid=$!
  eventually 60 grep -q 'run ' "$WORK/said"
  kill -INT "$pid"
  wait "$pid" || code=$?
  ((code == 130)) || fail "ended with $code: $(cat "$WORK/said")"
  says "go on with: seaworthy runs resume"
  sw 0 images load "${CHOICE[@]}" --yes
  says "done"
}

# An archive is there whole or not at all, and no part of one is left.
test_an_archive_that_cannot_be_finished() {
  local pid code=0
  moor docker
  big_image 100
  mkdir "$WORK/small"
  mount -t tmpfs -o size=20m tmpfs "$WORK/small"
  at_exit umount "$WORK/small"
  sw 1 images save "${CHOICE[@]}" --archive "$WORK/small/web.tar" --yes
  says "No space left on device"
  says "make room there"
  expect "" ls -A "$WORK/small"
  "$SEAWORTHY" images save "${CHOICE[@]}" --archive "$WORK/web.tar" --yes >"$WORK/said" 2>&1 </dev/null &
  pid=$!
  eventually 60 test -s "$WORK/.web.tar.part"
  kill -INT "$pid"
  wait "$pid" || code=$?
  ((code == 130)) || fail "ended with $code: $(cat "$WORK/said")"
  [[ ! -e $WORK/.web.tar.part && ! -e $WORK/web.tar ]] || fail "left: $(ls -A "$WORK")"
  code=0
  "$SEAWORTHY" images save "${CHOICE[@]}" --archive "$WORK/web.tar" --yes >"$WORK/said" 2>&1 </dev/null &
  pid=$!
  eventually 60 test -s "$WORK/.web.tar.part"
  kill -KILL "$pid"
  wait "$pid" 2>/dev/null || true
  [[ ! -e $WORK/web.tar ]] || fail "half an archive has its name"
  sw 0 images save "${CHOICE[@]}" --archive "$WORK/web.tar" --yes
  [[ ! -e $WORK/.web.tar.part ]] || fail "a part is left"
  sw 0 images load "${CHOICE[@]}" --from "$WORK/web.tar" --yes
}

# Podman calls what was built without a registry localhost/NAME, and a node does not.
test_podman_has_it_under_another_name() {
  moor podman
  podman tag "$WEB" "localhost/web:$CLUSTER"
  at_exit podman rmi --force "localhost/web:$CLUSTER"
  CHOICE=(hello --set image.repository=web --set "image.tag=$CLUSTER")
  sw 2 images load "${CHOICE[@]}" --yes
  says "podman tag web:$CLUSTER docker.io/library/web:$CLUSTER"
}
