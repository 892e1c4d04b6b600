# What the program makes of networks of the real Docker and the real Podman, against networks/expected.txt, which was written
# before. The engines are of this test, on sockets of their own; nodes are containers as kind makes them, with Nodes written into
# an API server of two families. What it answered is kept in $STATE/.reports/networks/.
# seaworthy
# shellcheck shell=bash

. "$CLUSTER_DIR/bench/measure.sh"
. "$CLUSTER_DIR/lib/engines.sh"
. "$CLUSTER_DIR/networks/lib.sh"
REPORTS=$REPORTS/networks
# What else the container of the control plane is made with, and the last subnet that a case of folders had.
CONTROL_PLANE=()
SUBNETS=90
# Where the answers of the engines go, to be used as fixtures; empty: nowhere.
: "${NETWORKS_RECORD:=}"

test_docker() { all_cases docker; }

test_podman() { all_cases podman; }

# Both are asked, and only one has the nodes; a kubeconfig that leads elsewhere is no proof; a stopped node is none.
test_doubts() {
  begin_networks
  start_engine podman
  local podman=$SOCKET
  CASE=doubt FAMILIES=4 NETWORK=bridge
  start_engine docker
  make_case doubt "--subnet 10.231.90.0/24" 4 ""
  export CONTAINER_HOST=unix://$podman
  expect_answer '10.231.90.200-10.231.90.250 [] direct' 3
  # Another port of this machine leads to the same API server, but not through a container.
  DOOR=$KUBECONFIG
  expect_answer 'pool-unknown: *leads to no container of cluster doubt*' 3
  DOOR=$DIR/door.kubeconfig
  kubectl patch node doubt-control-plane --subresource status --type merge -p '{"status": {"addresses": [{"type": "InternalIP", "address": "10.231.90.77"}]}}' >/dev/null
  expect_answer 'pool-unknown: *container doubt-control-plane has the address 10.231.90.2, and the node 10.231.90.77*' 3
  write_node doubt-control-plane
  # A Service has an address near the end.
  kubectl create service clusterip taken --tcp=80 >/dev/null
  kubectl patch service taken -p '{"spec": {"externalIPs": ["10.231.90.225"]}}' >/dev/null
  expect_answer '10.231.90.226-10.231.90.250 [] direct' 3
  pools
  # Another cluster on the same network, which no context leads to.
  container other-control-plane --label io.x-k8s.kind.cluster=other "$IDLE" /bin/sleep 36000
  expect_answer '10.231.90.202-10.231.90.209 [[]unknown] direct' 3
}

# A pool of somebody else is left alone, one of ours is kept.
pools() {
  kubectl apply -f - >/dev/null <<'END'
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: ipaddresspools.metallb.io, annotations: {api-approved.kubernetes.io: test}}
spec:
  group: metallb.io
  scope: Namespaced
  names: {kind: IPAddressPool, plural: ipaddresspools}
  versions:
    - {name: v1beta1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
END
  wait_for 20 "the kind of pools" "" kubectl get ipaddresspools
  pool theirs 10.231.90.240-10.231.90.250
  expect_answer '10.231.90.200-10.231.90.224 [] direct' 3
  pool ours 10.231.90.202-10.231.90.209
  kubectl label ipaddresspool ours seaworthy.dev/stack=metallb >/dev/null
  expect_answer '10.231.90.202-10.231.90.209 [] direct' 3
}

pool() {
  kubectl apply -f - >/dev/null <<END
{apiVersion: metallb.io/v1beta1, kind: IPAddressPool, metadata: {name: $1}, spec: {addresses: [$2]}}
END
}

# Without root, the bridges are in a namespace of their own: said before, not after.
test_rootless() {
  begin_networks
  start_engine rootless
  make_case rootless "--subnet 10.233.90.0/24" 4 ""
  expect_answer '10.233.90.200-10.233.90.250 [[]next-fit] outside' 3
  contains '"kind":"rootless","engine":"podman"' jq -c .reachable "$REPORTS/$ENGINE-$CASE.json"
}

test_folders_of_docker() { all_folders docker; }

test_folders_of_podman() { all_folders podman; }

# all_folders ENGINE: which folder all nodes share, against networks/shared.txt, which was written before.
all_folders() {
  local name first second wanted wrong=0
  begin_networks
  start_engine "$1"
  while IFS='|' read -r name first second wanted; do
    name=$(trimmed "$name")
    [[ -n $name && $name != '#'* ]] || continue
    shared_case "$name" "$(trimmed "$first")" "$(trimmed "$second")" "$(trimmed "$wanted")" || wrong=$((wrong + 1))
  done <"$CLUSTER_DIR/networks/shared.txt"
  ((wrong == 0)) || fail "$wrong cases are not as expected"
}

# shared_case NAME ARGUMENTS ARGUMENTS PATTERN: a control plane and a worker, made with these arguments
shared_case() {
  local first second got answer
  mkdir -p "$HOLD/one" "$HOLD/two"
  read -ra first <<<"${2//HOLD/$HOLD}"
  read -ra second <<<"${3//HOLD/$HOLD}"
  CONTROL_PLANE=("${first[@]}")
  # A bridge outlives its network for a moment.
  SUBNETS=$((SUBNETS + 1))
  make_case "$1" "--subnet 10.234.$SUBNETS.0/24" 4 ""
  CONTROL_PLANE=()
  node "$CASE-worker" worker "${second[@]}" "$IDLE" /bin/sleep 36000
  answer=$REPORTS/$ENGINE-shared-$CASE.json
  ask_program prerequisites list >"$answer" 2>"$answer.log" || true
  got=$(jq -r '.prerequisites[] | select(.prerequisite == "shared-path") | "\(.do): \(.because)"' "$answer")
  got=${got//$HOLD/HOLD}
  printf '%-7s %-12s %s\n' "$ENGINE" "$CASE" "$got" | tee -a "$REPORTS/shared"
  clear_engine "$ENGINE" "$HOLD"
  # shellcheck disable=SC2053
  [[ $got == $4 ]] && return
  say "$ENGINE $1: $got, wanted: $4"
  return 1
}

begin_networks() {
  mkdir -p "$REPORTS"
  install_engines
  build_all
  start_api
}

# all_cases ENGINE: every case is tried, whatever another says.
all_cases() {
  local engine name network families others needed wanted wrong=0
  begin_networks
  start_engine "$1"
  while IFS='|' read -r engine name network families others needed wanted; do
    engine=$(trimmed "$engine")
    [[ $engine == "$1" ]] || continue
    make_case "$(trimmed "$name")" "$(trimmed "$network")" "$(trimmed "$families")" "$(trimmed "$others")"
    judge "$(trimmed "$needed")" "$(trimmed "$wanted")" || wrong=$((wrong + 1))
    record
    clear_engine "$ENGINE" "$HOLD"
  done <"$CLUSTER_DIR/networks/expected.txt"
  ((wrong == 0)) || fail "$wrong cases are not as expected"
}

# make_case NAME NETWORK FAMILIES OTHERS
make_case() {
  local arguments other
  # A name of its own each time: Podman goes on with the address after the last one even of a network that was removed.
  CASE=$1 FAMILIES=$3 NETWORK=sw-$1-$RANDOM OTHERS=0 API_DOOR=$((API_PORT + 3)) DOOR=$DIR/door.kubeconfig
  read -ra arguments <<<"$2"
  [[ $2 != kind ]] || arguments=("${KIND_NETWORK[@]}")
  engine network create "${arguments[@]}" "$NETWORK" >/dev/null
  control_plane "${CONTROL_PLANE[@]}"
  for other in $4; do other "$other"; done
  kubectl config view --raw --minify -o json | jq --arg server "http://127.0.0.1:$API_DOOR" \
    '.clusters[0].cluster = {server: $server} | .users[0].user = {}' >"$DOOR"
  wait_for 20 "the way into the cluster" "" curl -sf "http://127.0.0.1:$API_DOOR/readyz"
}

# judge NEEDED PATTERN
judge() {
  local got
  got=$(ask "$1")
  printf '%-7s %-12s %s\n' "$ENGINE" "$CASE" "$got" | tee -a "$REPORTS/table"
  # shellcheck disable=SC2053
  [[ $got == $2 ]] && return
  say "$ENGINE $CASE: $got, wanted: $2"
  return 1
}

expect_answer() { judge "$2" "$1" || fail "not as expected"; }

trimmed() { sed 's/^ *//; s/ *$//' <<<"$1"; }

# The engine's own answers, as tests/fixtures/networks has them: what Docker's API says of each network and of the containers,
# and what Podman's own says.
record() {
  [[ -n $NETWORKS_RECORD ]] || return 0
  local ids
  mkdir -p "$NETWORKS_RECORD"
  mapfile -t ids < <(says networks | jq -r '.[].Id')
  jq -cn --slurpfile networks <(for id in "${ids[@]}"; do says "networks/$id"; done) \
    --argjson containers "$(says 'containers/json?all=true' | jq -c 'map(del(.Command, .Mounts))')" \
    --argjson libpod "$(if [[ $ENGINE == podman ]]; then says v4.0.0/libpod/networks/json; else echo null; fi)" \
    '{networks: $networks, containers: $containers, libpod: $libpod}' >"$NETWORKS_RECORD/$ENGINE-$CASE.json"
}

says() { curl -sSf --unix-socket "$SOCKET" "http://engine/$1"; }
