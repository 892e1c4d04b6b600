# etcd, API server, controller manager and scheduler: ordinary processes of this
# machine, reached by nodes and pods over the bridge.
# shellcheck shell=bash

make_pki() {
  local node args=()
  for node in $(node_names "$1"); do args+=("$node=$(node_ip "$node")"); done
  "$TOOLS/pki" -dir "$PKI" -name "$NAME" -address "$HOST_IP" -service-ip "$API_SERVICE_IP" -port "$API_PORT" "${args[@]}"
  cp "$PKI/admin.kubeconfig" "$DIR/kubeconfig"
}

start_control_plane() {
  start_etcd
  start_apiserver "$1" "$2"
}

start_etcd() {
  local client=http://127.0.0.1:$ETCD_PORT peer=http://127.0.0.1:$ETCD_PEER_PORT
  # A test's etcd may lose its data when the machine stops, so it need not fsync.
  start_process etcd "$BIN/etcd" --name "$NAME" --data-dir "$DIR/etcd" --unsafe-no-fsync \
    --listen-client-urls "$client" --advertise-client-urls "$client" \
    --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" --initial-cluster "$NAME=$peer"
}

# start_apiserver AUDIT KUBELETS: yes or no; signed or self-signed.
start_apiserver() {
  local audit=() kubelets=()
  if [[ $1 == yes ]]; then
    audit=(--audit-policy-file "$CLUSTER_DIR/manifests/audit-policy.yaml" --audit-log-path "$DIR/audit.log" --audit-log-maxsize 1000)
  fi
  [[ $2 == self-signed ]] || kubelets=(--kubelet-certificate-authority "$PKI/ca.crt")
  start_process kube-apiserver "$BIN/kube-apiserver" \
    --etcd-servers "http://127.0.0.1:$ETCD_PORT" \
    --secure-port "$API_PORT" --advertise-address "$HOST_IP" \
    --tls-cert-file "$PKI/apiserver.crt" --tls-private-key-file "$PKI/apiserver.key" \
    --client-ca-file "$PKI/ca.crt" --token-auth-file "$PKI/tokens.csv" \
    --authorization-mode Node,RBAC --enable-admission-plugins NodeRestriction --allow-privileged \
    --service-cluster-ip-range "$SERVICE_CIDR" \
    --service-account-issuer https://kubernetes.default.svc.cluster.local \
    --service-account-key-file "$PKI/sa.pub" --service-account-signing-key-file "$PKI/sa.key" \
    --kubelet-client-certificate "$PKI/apiserver-kubelet-client.crt" \
    --kubelet-client-key "$PKI/apiserver-kubelet-client.key" \
    --kubelet-preferred-address-types InternalIP \
    --requestheader-client-ca-file "$PKI/front-proxy-ca.crt" --requestheader-allowed-names front-proxy-client \
    --requestheader-username-headers X-Remote-User --requestheader-group-headers X-Remote-Group \
    --requestheader-extra-headers-prefix X-Remote-Extra- \
    --proxy-client-cert-file "$PKI/front-proxy-client.crt" --proxy-client-key-file "$PKI/front-proxy-client.key" \
    --enable-aggregator-routing \
    "${audit[@]}" "${kubelets[@]}"
}

# After the API server is ready: the controller manager ends when it may ask nothing for 10 s, and on a busy machine the
# roles of a new cluster take longer than that.
start_controllers() {
  local manager=$PKI/controller-manager.kubeconfig scheduler=$PKI/scheduler.kubeconfig
  start_process kube-controller-manager "$BIN/kube-controller-manager" --kubeconfig "$manager" \
    --leader-elect=false --secure-port 0 --use-service-account-credentials \
    --service-account-private-key-file "$PKI/sa.key" --root-ca-file "$PKI/ca.crt" \
    --cluster-signing-cert-file "$PKI/ca.crt" --cluster-signing-key-file "$PKI/ca.key" \
    --allocate-node-cidrs --cluster-cidr "$POD_CIDR" --service-cluster-ip-range "$SERVICE_CIDR"
  start_process kube-scheduler "$BIN/kube-scheduler" --kubeconfig "$scheduler" --leader-elect=false --secure-port 0
}

wait_for_api() { wait_for 60 "kube-apiserver" "$LOGS/kube-apiserver.log" kubectl get --raw /readyz; }
