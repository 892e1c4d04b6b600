# Container engines of our own, on sockets of their own: nobody else's containers, networks or firewall rules are touched.
# shellcheck shell=bash

install_engines() {
  ensure_packages dockerd:docker.io docker:docker.io podman:podman /usr/lib/podman/netavark:netavark \
    /usr/lib/podman/aardvark-dns:aardvark-dns slirp4netns:slirp4netns newuidmap:uidmap jq:jq curl:curl
}

# Which engine it is for, and where that is: the two may run at once.
use_engine() {
  ENGINE=$1 HOLD=$2
  SOCKET=$HOLD/engine.sock
}

start_docker() {
  start_process docker dockerd --data-root "$HOLD/data" --exec-root "$HOLD/exec" --pidfile "$HOLD/pid" --host "unix://$SOCKET" \
    --bridge none --iptables=false --ip6tables=false \
    --add-runtime "seaworthy=$CLUSTER_DIR/lib/oci-runtime" --default-runtime seaworthy
}

start_podman() { start_process podman podman "${PODMAN[@]/HOLD/$HOLD}" system service --time=0 "unix://$SOCKET"; }

PODMAN=(--root HOLD/data --runroot HOLD/run --network-config-dir HOLD/networks --storage-driver vfs --runtime runc --cgroup-manager cgroupfs)

wait_for_engine() { wait_for 30 "$1" "$LOGS/$1.log" curl -sf --unix-socket "$SOCKET" http://engine/_ping; }
