# What a plan is refused for before the first write, asked of a real API server; and what it lets through.
# seaworthy
# standins: sample
# shellcheck shell=bash
# shellcheck source=tests/cluster/lib/seaworthy.sh
. "$CLUSTER_DIR/lib/seaworthy.sh"

STACK=hello

# hello ARGUMENTS...: the stack, into $NAMESPACE
hello() { sw install hello -n "$NAMESPACE" --yes "$@"; }

# refused TEXT ARGUMENTS...: nothing is written, and this is said
refused() {
  local text=$1 mark
  shift
  mark=$(audit_mark)
  exits 2 hello "$@"
  says "the plan cannot succeed on this cluster; nothing was written" "$text"
  same "what was written" "" "$(audited_writes "$mark")"
}

# figures RESOURCE: what the only node can give, in its own words
allocatable() { kubectl get nodes -o json | jq -r --arg name "$1" '.items[0].status.allocatable[$name]'; }

test_a_pod_that_is_larger_than_the_node() {
  begin
  refused "asks for 4096000m cpu, and the largest node that takes it has $(($(allocatable cpu) * 1000))m cpu" --set resources.requests.cpu=4096
}

# Beside what runs there: what the node has in all is more than what is left of it.
test_a_pod_that_finds_no_room_beside_the_others() {
  begin
  refused "there is no room for one of Deployment/$NAMESPACE/hello-web" --set "resources.requests.cpu=$(allocatable cpu)"
  exits 1 hello --set "resources.requests.cpu=$(allocatable cpu)" --ignore room --timeout 5s
  says "Insufficient cpu"
}

test_rights_that_are_missing_are_named() {
  local mark
  begin
  new_user viewer view
  mark=$(audit_mark)
  exits 2 timeout 60 "$SEAWORTHY" --kubeconfig "$WORK/viewer.kubeconfig" install hello -n "$NAMESPACE" --yes
  says "this user may not create" "deployments.apps in namespace $NAMESPACE"
  same "what was written" "" "$(audited_writes "$mark")"
}

# A release that Helm keeps its records of: its objects have our names.
test_a_release_of_helm() {
  begin
  kubectl create namespace "$NAMESPACE" >/dev/null
  k create secret generic sh.helm.release.v1.hello.v1 --type helm.sh/release.v1 --from-literal release=x >/dev/null
  k label secret sh.helm.release.v1.hello.v1 owner=helm name=hello >/dev/null
  refused "Helm has a release hello in namespace $NAMESPACE"
}

test_what_can_succeed_is_not_spoken_of() {
  begin
  exits 0 hello --dry-run
  ! grep -q warning "$WORK/err" || fail "it warns: $(cat "$WORK/err")"
}
