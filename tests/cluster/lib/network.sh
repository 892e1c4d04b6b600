# Every cluster has 10.OCTET.0.0/16: nodes on a bridge, pods, services; and five
# ports of this machine.
# shellcheck shell=bash

# claim_network: picks an octet that no other cluster, route or listener uses.
claim_network() {
  local octet
  (
    flock 7
    for octet in $(seq 100 199); do
      octet_is_free "$octet" || continue
      printf '%s\n' "$octet" >"$DIR/octet"
      exit 0
    done
    die "no free network: are there a hundred clusters?"
  ) 7>"$STATE/.network.lock" 9>&-
  use_network
}

octet_is_free() {
  local port
  ! grep -qsx "$1" "$STATE"/*/octet || return 1
  [[ -z $(ip -4 route show root "10.$1.0.0/16") ]] || return 1
  for port in $(seq $((20000 + $1 * 10)) $((20004 + $1 * 10))); do
    [[ -z $(ss -Hltn "sport = :$port") ]] || return 1
  done
}

use_network() {
  local octet
  octet=$(cat "$DIR/octet")
  BRIDGE=sw-br$octet
  NET=10.$octet
  HOST_IP=$NET.0.1
  POD_CIDR=$NET.64.0/18
  SERVICE_CIDR=$NET.128.0/20
  API_SERVICE_IP=$NET.128.1
  DNS_IP=$NET.128.10
  API_PORT=$((20000 + octet * 10))
  ETCD_PORT=$((API_PORT + 1))
  ETCD_PEER_PORT=$((API_PORT + 2))
}

node_ip() { printf '%s.0.%d' "$NET" $((10 + ${1##*-})); }

make_bridge() {
  ip link add "$BRIDGE" type bridge
  ip address add "$HOST_IP/24" dev "$BRIDGE"
  ip link set "$BRIDGE" up
  # Where Docker runs it drops what is forwarded, and bridged packets count.
  forward_rules -I
}

remove_bridge() {
  forward_rules -D
  ! ip link show "$BRIDGE" >/dev/null 2>&1 || ip link delete "$BRIDGE"
}

forward_rules() {
  local side
  for side in -i -o; do
    iptables -w "$1" FORWARD "$side" "$BRIDGE" -m comment --comment "seaworthy test cluster $NAME" -j ACCEPT \
      2>/dev/null || [[ $1 == -D ]] || die "iptables $1 FORWARD"
  done
}

# plug_in NODE PID: a cable from the bridge into the node's network namespace.
plug_in() {
  ip link add "$(port_of "$1")" type veth peer name eth0 netns "$2"
  ip link set "$(port_of "$1")" master "$BRIDGE" up
}

# The kernel takes the cable away with the namespace, but only some time later.
unplug() { ip link delete "$(port_of "$1")" 2>/dev/null || true; }

port_of() { printf 'sw%s-%s' "${NET#10.}" "${1##*-}"; }
