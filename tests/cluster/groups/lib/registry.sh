# A real registry on this machine, with TLS and a login, that nodes pull from as they would from somebody else's.
# shellcheck shell=bash
# shellcheck source=tests/cluster/lib/all.sh
. "$CLUSTER_DIR/lib/all.sh"
use_cluster "$(basename "$(dirname "$KUBECONFIG")")"

REGISTRY_USER=robot
REGISTRY_PASSWORD=hunter2-of-the-tests

# start_registry: sets REGISTRY (host and port), and has program and nodes trust it. Ended by `end`, as everything with a $WORK/*.pid.
start_registry() {
  ensure_packages openssl:openssl python3:python3
  # This machine is the first of the nodes' network.
  REGISTRY_IP=$(kubectl get node -o 'jsonpath={.items[0].status.addresses[?(@.type=="InternalIP")].address}' | sed -E 's/[0-9]+$/1/')
  openssl req -x509 -nodes -newkey rsa:2048 -days 2 -subj /CN=registry.test -addext "subjectAltName=IP:$REGISTRY_IP" -addext basicConstraints=critical,CA:FALSE \
    -keyout "$WORK/registry.key" -out "$WORK/registry.pem" >"$WORK/registry.log" 2>&1
  printf '%s' "$REGISTRY_PASSWORD" >"$WORK/password"
  # What htpasswd writes: the registry takes bcrypt alone.
  PASSWORD=$REGISTRY_PASSWORD python3 -W ignore -c 'import crypt, os; print("'$REGISTRY_USER':" + crypt.crypt(os.environ["PASSWORD"], crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16)))' >"$WORK/htpasswd"
  run_registry
  export SSL_CERT_FILE=$WORK/registry.pem
  trust_registry
}

# run_registry: at a port that nobody has; another one is tried when somebody was quicker.
run_registry() {
  local program attempt
  program=$("$CLUSTER_DIR/tool" registry)
  for attempt in 1 2 3 4 5; do
    REGISTRY=$REGISTRY_IP:$((16000 + RANDOM % 4000))
    cat >"$WORK/registry.yaml" <<END
version: 0.1
log: {level: warn}
storage: {filesystem: {rootdirectory: $WORK/registry}}
http: {addr: "$REGISTRY", tls: {certificate: $WORK/registry.pem, key: $WORK/registry.key}}
auth: {htpasswd: {realm: tests, path: $WORK/htpasswd}}
END
    "$program" serve "$WORK/registry.yaml" >>"$WORK/registry.log" 2>&1 &
    printf '%s\n' $! >"$WORK/registry.pid"
    local tries
    for tries in {1..50}; do
      [[ $(ask_registry / -o /dev/null -w '%{http_code}') != 200 ]] || return 0
      kill -0 "$(cat "$WORK/registry.pid")" 2>/dev/null || break
      sleep 0.2
    done
    say "the registry did not start, attempt $attempt, try $tries"
  done
  fail "$(tail -n 20 "$WORK/registry.log")"
}

# ask_registry PATH [CURL-ARGUMENT...]
ask_registry() {
  local path=$1
  shift
  curl -sS --cacert "$WORK/registry.pem" -u "$REGISTRY_USER:$REGISTRY_PASSWORD" "$@" "https://$REGISTRY/v2$path" 2>/dev/null || true
}

# As its operator would: containerd reads it at each pull.
trust_registry() {
  local node folder=/etc/containerd/certs.d/$REGISTRY
  for node in $(kubectl get node -o 'jsonpath={.items[*].metadata.name}'); do
    in_node "$node" mkdir -p "$folder"
    in_node "$node" tee "$folder/ca.pem" <"$WORK/registry.pem" >/dev/null
    in_node "$node" tee "$folder/hosts.toml" >/dev/null <<END
server = "https://$REGISTRY"
[host."https://$REGISTRY"]
  ca = "$folder/ca.pem"
END
  done
}

# push IMAGE NAME: an image that the nodes have, under a name in the registry
push() {
  local node
  node=$(kubectl get node -o 'jsonpath={.items[0].metadata.name}')
  ctr_of "$node" images tag --force "$1" "$REGISTRY/$2" >/dev/null
  ctr_of "$node" images push --tlscacert "$WORK/registry.pem" --user "$REGISTRY_USER:$REGISTRY_PASSWORD" "$REGISTRY/$2" >>"$WORK/registry.log" 2>&1 ||
    fail "$(tail -n 5 "$WORK/registry.log")"
  ctr_of "$node" images rm --sync "$REGISTRY/$2" >/dev/null
}

# put_strange NAME TAG: an image for processors that no node has; nobody could start it
put_strange() {
  local config size digest
  config='{"architecture":"s390x","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}'
  size=${#config}
  digest=sha256:$(printf '%s' "$config" | sha256sum | cut -d' ' -f1)
  local location
  location=$(ask_registry "/$1/blobs/uploads/" -X POST -o /dev/null -D - | tr -d '\r' | sed -n 's/^[Ll]ocation: //p')
  curl -sS --fail --cacert "$WORK/registry.pem" -u "$REGISTRY_USER:$REGISTRY_PASSWORD" -X PUT -H 'Content-Type: application/octet-stream' \
    --data-binary "$config" "$location&digest=$digest" >>"$WORK/registry.log" || fail "no upload to $location"
  [[ $(ask_registry "/$1/manifests/$2" -X PUT -o /dev/null -w '%{http_code}' -H 'Content-Type: application/vnd.oci.image.manifest.v1+json' --data-binary \
    '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","size":'"$size"',"digest":"'"$digest"'"},"layers":[]}') == 201 ]] ||
    fail "no manifest of $1:$2"
}
