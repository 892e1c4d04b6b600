# The harness itself: whether its cluster does what a cluster does.
# smoke
# standins: sample
# shellcheck shell=bash

test_node_is_ready() { kubectl wait --for=condition=Ready nodes --all --timeout=30s; }

test_server_tells_its_version() { contains '"gitVersion": "v1.34.' kubectl get --raw /version; }

test_token_is_admin() {
  [[ -f ${KUBECONFIG%/*}/pki/token.kubeconfig ]]
  expect yes kubectl --kubeconfig "${KUBECONFIG%/*}/pki/token.kubeconfig" auth can-i '*' '*'
}

test_logs_and_exec() {
  new_namespace
  shell_pod web
  ready web
  expect started k logs web
  expect hello k exec web -- sh -c 'echo hello'
}

test_dns() {
  new_namespace
  k create service clusterip plain --tcp=80:80
  shell_pod client
  ready client
  k exec client -- nslookup kubernetes.default.svc.cluster.local
  contains "$(k get service plain -o 'jsonpath={.spec.clusterIP}')" k exec client -- nslookup "plain.$NAMESPACE.svc.cluster.local"
  k exec client -- nc -z -w 3 kubernetes.default 443
  ! k exec client -- nc -z -w 3 nosuch.example.com 443
}

test_service_address() {
  new_namespace
  k run web --image="$BUSYBOX" --labels app=web -- sh -c 'mkdir /www; echo served >/www/index.html; exec httpd -f -p 8080 -h /www'
  k expose pod web --name site --port 80 --target-port 8080
  shell_pod client
  ready web
  ready client
  # Also from the pod itself, which needs bridged packets to pass iptables.
  for from in client web; do
    eventually 10 k exec "$from" -- wget -q -T 2 -O - http://site
    expect served k exec "$from" -- wget -q -T 2 -O - "http://$(k get service site -o 'jsonpath={.spec.clusterIP}')"
  done
}

# No controller is here that would hand one out, so the test does.
test_load_balancer_address() {
  new_namespace
  k run web --image="$BUSYBOX" --labels app=web -- sh -c 'mkdir /www; echo served >/www/index.html; exec httpd -f -p 8080 -h /www'
  k expose pod web --name site --type LoadBalancer --port 80 --target-port 8080
  k patch service site --subresource status --type merge --patch '{"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}}'
  shell_pod client
  ready web
  ready client
  eventually 10 k exec client -- wget -q -T 2 -O - http://192.0.2.1
  expect served k exec client -- wget -q -T 2 -O - http://192.0.2.1
}

# By this an API server in a pod knows whom the real one asks for.
test_aggregated_apis_learn_who_asks() {
  contains front-proxy-client kubectl --namespace kube-system get configmap extension-apiserver-authentication -o 'jsonpath={.data.requestheader-allowed-names}'
  contains 'BEGIN CERTIFICATE' kubectl --namespace kube-system get configmap extension-apiserver-authentication -o 'jsonpath={.data.requestheader-client-ca-file}'
}

test_volume_survives_its_pod() {
  new_namespace
  k apply -f - <<'EOF'
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
EOF
  expect Pending k get persistentvolumeclaim data -o 'jsonpath={.status.phase}'
  shell_pod first "" data
  ready first
  expect Bound k get persistentvolumeclaim data -o 'jsonpath={.status.phase}'
  k exec first -- sh -c 'echo kept >/data/file'
  k delete pod first --wait
  shell_pod second "" data
  ready second
  expect kept k exec second -- cat /data/file
}

test_port_forward() {
  new_namespace
  k run web --image="$BUSYBOX" -- sh -c 'mkdir /www; echo forwarded >/www/index.html; exec httpd -f -p 8080 -h /www'
  ready web
  local log port forward
  log=$(mktemp)
  kubectl --namespace "$NAMESPACE" port-forward pod/web :8080 >"$log" &
  forward=$!
  eventually 10 grep -q 'Forwarding from 127' "$log"
  port=$(sed -n 's/^Forwarding from 127.0.0.1:\([0-9]*\) .*/\1/p' "$log")
  expect forwarded curl -sS -m 5 "http://127.0.0.1:$port/"
  kill "$forward"
}

test_requests_are_audited() {
  [[ -f $AUDIT_LOG ]] || fail "no audit log at $AUDIT_LOG"
  new_namespace
  eventually 5 grep -q "\"verb\":\"create\".*\"name\":\"$NAMESPACE\"" "$AUDIT_LOG"
}

test_stand_in_refuses_a_wrong_flag() {
  new_namespace
  k run gateway --image=localhost:5000/sample-gateway:v1 --restart=Never --env COLLECTOR_URL=http://collector -- -prot=1
  eventually 30 pod_is gateway Failed
  expect 2 exit_code gateway
  expect "flag provided but not defined: -prot" k logs gateway
}

# Rows reach the gateway over publisher, queue and collector, each a pod.
test_stand_ins_pass_data_on() {
  new_namespace
  k apply -f "$CLUSTER_DIR/standins/sample/stack.yml"
  for part in queue collector gateway publisher; do
    k rollout status "deployment/$part" --timeout=60s
  done
  shell_pod client
  ready client
  eventually 20 gpus_arrived
  local collector
  collector=$(k get pod -l app=collector -o name)
  k exec "$collector" -- /standin fail not-ready
  eventually 20 no_endpoints collector
  k exec "$collector" -- /standin fail clear
  k rollout status deployment/collector --timeout=30s
}

gpus_arrived() { k exec client -- wget -q -T 2 -O - http://gateway:8081/api/v1/gpus | grep -q '"count":2'; }

no_endpoints() { [[ -z $(k get endpointslice -l "kubernetes.io/service-name=$1" -o 'jsonpath={.items[*].endpoints[?(@.conditions.ready==true)].addresses}') ]]; }
