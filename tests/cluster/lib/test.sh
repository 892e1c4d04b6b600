# What a group of tests is written with. A group is a file groups/NAME.sh with
# functions test_*; a test fails when a command in it does, or by `fail`.
# A comment line `# smoke` at its top puts it among the smoke tests, `# nodes: N`
# asks for a cluster of N nodes, `# up: OPTION...` for what else `up` is told,
# `# seaworthy` for the program itself,
# `# images: NAME...` and `# standins: STACK...` for what the nodes must hold. `# engines: docker podman`
# asks for engines that hold the image of a node of kind, and for no cluster; `# cluster: none` for neither.
# shellcheck shell=bash

fail() {
  say "$*"
  exit 1
}

# eventually SECONDS COMMAND...: polls until it succeeds.
eventually() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || fail "never: $*"
    sleep 0.2
  done
}

# expect WANTED COMMAND...: the command's output is WANTED.
expect() {
  local wanted=$1 got
  shift
  got=$("$@") || fail "$* failed and printed: $got"
  [[ $got == "$wanted" ]] || fail "$* printed: $got, wanted: $wanted"
}

# contains TEXT COMMAND...: the command succeeds and its output holds TEXT.
contains() {
  local wanted=$1 got
  shift
  got=$("$@") || fail "$* failed and printed: $got"
  [[ $got == *"$wanted"* ]] || fail "$* printed: $got, without: $wanted"
}

# module_dir NAME MODULE: the folder of a module that go/NAME is built from.
module_dir() { (cd "$CLUSTER_DIR/go/$1" && go mod download "$2" && go list -m -f '{{.Dir}}' "$2"); }

# new_namespace: one for this test, deleted when it ends; kubectl uses it.
new_namespace() {
  NAMESPACE=test-$RANDOM$RANDOM
  kubectl create namespace "$NAMESPACE" >/dev/null
  trap 'kubectl delete namespace "$NAMESPACE" --wait=false >/dev/null' EXIT
  eventually 20 kubectl -n "$NAMESPACE" get serviceaccount default
}

k() { kubectl --namespace "$NAMESPACE" "$@"; }

pod_is() { [[ $(k get pod "$1" -o "jsonpath={.status.phase}") == "$2" ]]; }

# exit_code POD: of its first container, once it ended (restarted or not).
exit_code() {
  k get pod "$1" -o 'jsonpath={.status.containerStatuses[0].state.terminated.exitCode}{.status.containerStatuses[0].lastState.terminated.exitCode}' |
    cut -c1
}

# shell_pod NAME [NODE] [VOLUME-CLAIM]: a busybox that waits.
shell_pod() {
  k apply -f - >/dev/null <<EOF
apiVersion: v1
kind: Pod
metadata: {name: $1, labels: {app: $1}}
spec:
  terminationGracePeriodSeconds: 0
  ${2:+nodeName: $2}
  containers:
    - name: main
      image: $BUSYBOX
      command: [sh, -c, 'echo started; exec sleep 3600']
      ${3:+volumeMounts: [{name: data, mountPath: /data\}]}
  ${3:+volumes: [{name: data, persistentVolumeClaim: {claimName: $3\}\}]}
EOF
}

ready() { k wait --for=condition=Ready --timeout=90s "pod/$1" >/dev/null || fail "pod $1 is not ready: $(k describe pod "$1" | tail -n 20)"; }
