# Every stack as a demonstration: its own objects, with a busybox in the place of every program. Nothing but the name is given.
# seaworthy
# shellcheck shell=bash
# shellcheck disable=SC2034
# shellcheck source=tests/cluster/lib/seaworthy.sh
. "$CLUSTER_DIR/lib/seaworthy.sh"

WARNING='a demonstration with stand-ins'

# demonstrate STACK [NAMESPACE]: made, proven, said to be one, opened, and taken away
demonstrate() {
  begin
  STACK=$1
  NAMESPACE=${2:-$NAMESPACE}
  # The one stack that has a namespace of its own choice is taken away there by name; the others go with theirs.
  [[ $NAMESPACE != default ]] || trap 'sw uninstall "$STACK" -n default --yes >/dev/null 2>&1; end' EXIT
  exits 0 sw install "$STACK" -n "$NAMESPACE" --stand-ins --yes
  says "$WARNING" 'answered 200'
  figure "$(grep -o 'done in .*' "$WORK/err")"
  expect "docker.io/library/busybox:1.37.0" eval 'k get pods -l seaworthy.dev/stand-in=true -o json |
    jq -r "[.items[].spec | .containers[], .initContainers[]? | .image] | unique[]"'
  exits 0 sw status "$STACK" -n "$NAMESPACE"
  says "$WARNING" healthy
  exits 0 sw upgrade "$STACK" -n "$NAMESPACE" --yes -o json
  expect 0 jq .outcome.requests.writes "$WORK/out"
  "$SEAWORTHY" --kubeconfig "$CONFIG" open "$STACK" -n "$NAMESPACE" --port 0 -o json >"$WORK/open" 2>"$WORK/opened" &
  echo $! >"$WORK/open.pid"
  eventually 20 grep -q "^}" "$WORK/open"
  expect "$WARNING" grep -o "$WARNING" "$WORK/opened"
  curl -fsS --max-time 10 "$(jq -r '.url + .path' "$WORK/open")" >"$WORK/page"
  grep -q 'This is a stand-in for' "$WORK/page" || fail "the way in says: $(cat "$WORK/page")"
}

test_hello() { demonstrate hello; }

test_newton() { demonstrate newton-v2t; }

test_telemetry_pipeline() { demonstrate telemetry-pipeline; }

test_geodata() { demonstrate geodata; }

test_exadeploy() { demonstrate exadeploy; }

test_distributed_notebook() { demonstrate distributed-notebook default; }

# The one stack whose own image is here.
test_the_programs_come_into_their_places() {
  begin
  STACK=hello
  exits 0 sw install hello -n "$NAMESPACE" --stand-ins --yes
  exits 0 sw install hello -n "$NAMESPACE" --yes
  says "programs: the stack's own, was stand-ins" 'answered 200'
  expect "" k get pods -l seaworthy.dev/stand-in=true --field-selector status.phase=Running -o name
  exits 0 sw status hello -n "$NAMESPACE"
  ! grep -q "$WARNING" "$WORK/out" || fail "it is still called a demonstration"
}
