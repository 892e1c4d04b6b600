# What Debian ships of a node: container runtime, network plugins, tools.
# shellcheck shell=bash

# command:package
NEEDED=(
  containerd:containerd runc:runc iptables:iptables ip:iproute2 conntrack:conntrack ethtool:ethtool
  socat:socat nsenter:util-linux flock:util-linux mount:mount sysctl:procps
  /usr/lib/cni/bridge:containernetworking-plugins /bin/busybox:busybox-static /bin/bash-static:bash-static
)

install_packages() {
  # The dynamic busybox is no use inside an image.
  ensure_packages "${NEEDED[@]}" /usr/share/doc/busybox-static/copyright:busybox-static
}

# ensure_packages COMMAND:PACKAGE...: a path may stand for the command.
ensure_packages() {
  local entry missing=()
  for entry in "$@"; do
    has_command "${entry%%:*}" || [[ -e ${entry%%:*} ]] || missing+=("${entry##*:}")
  done
  ((${#missing[@]})) || return 0
  say "installing ${missing[*]}"
  apt_get update
  apt_get install -y --no-install-recommends "${missing[@]}"
}

has_command() { PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null; }

apt_get() {
  mkdir -p "$CACHE"
  DEBIAN_FRONTEND=noninteractive apt-get -q "$@" >"$CACHE/apt.log" 2>&1 || {
    show_tail "$CACHE/apt.log"
    die "apt-get $1"
  }
}

# debian_with FOLDER PACKAGE...: FOLDER/root.tar, the least of Debian with these.
debian_with() {
  local folder=$1 packages
  shift
  packages=$(IFS=, && printf %s "$*")
  mmdebstrap --quiet --variant=minbase --include="$packages" --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/man/*' bookworm "$folder/root.tar" \
    >"$folder/log" 2>&1 || {
    show_tail "$folder/log"
    die "mmdebstrap"
  }
}
