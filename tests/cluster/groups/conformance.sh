# What the sandbox is held to is what a real API server answers: the suite of tests/conformance against this cluster. With
# SEAWORTHY_CONFORMANCE_RECORD=1 its answers are written down anew. SEAWORTHY_TEST_SECONDS=900 is what it wants on two cores.
# nodes: 3
# shellcheck shell=bash

REPO=${CLUSTER_DIR%/tests/cluster}

test_apply() { area apply; }

test_watch() {
  # etcd forgets what is older than five minutes (kube-apiserver, --etcd-compaction-interval); on a younger cluster nothing
  # expires, and what is recorded of expired watches cannot be seen.
  wait_for 420 'the oldest versions being forgotten' '' has_forgotten
  area watch
}

has_forgotten() {
  kubectl get --raw '/api/v1/namespaces/default/configmaps?watch=true&resourceVersion=1&timeoutSeconds=1' 2>&1 |
    grep -q 'too old resource version'
}

test_gc() { area gc; }

test_workloads() { area workloads; }

test_storage() { area storage; }

test_errors() { area errors; }

test_others() { area others; }

test_webhooks() { area webhooks; }

test_warnings() { area warnings; }

area() {
  cd "$REPO" || fail "there is no $REPO"
  SEAWORTHY_CONFORMANCE_KUBECONFIG=$KUBECONFIG cargo test --locked --test tests "conformance::$1" -- --exact
}
