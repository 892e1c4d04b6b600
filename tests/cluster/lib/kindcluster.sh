# Engines for kind, which stay up until they are taken down, and the way to them for a program of the command line.
# shellcheck shell=bash

# use_kind_engine ENGINE: its place; nothing is started. RUN is a short path, which Podman insists on.
use_kind_engine() {
  [[ $1 == docker || $1 == podman ]] || die "no engine is named $1: docker or podman"
  use_cluster "kind-$1"
  use_engine "$1" "$DIR"
  RUN=/run/seaworthy-$(printf %s "$DIR" | sha256sum | cut -c1-8)
}

# export_engine ENGINE: for docker, podman and kind.
export_engine() {
  local settings
  use_kind_engine "$1"
  mapfile -t settings < <(engine_settings "$1")
  export "${settings[@]}"
}

# engine_settings ENGINE: a variable a line. kind takes Docker when it is not told otherwise.
engine_settings() {
  use_kind_engine "$1"
  case $1 in
    docker) printf 'DOCKER_HOST=unix://%s\n' "$SOCKET" ;;
    podman)
      printf '%s\n' "CONTAINERS_CONF=$HOLD/containers.conf" \
        "CONTAINERS_STORAGE_CONF=$HOLD/storage.conf" KIND_EXPERIMENTAL_PROVIDER=podman
      ;;
  esac
}

engine_is_up() (use_kind_engine "$1" && is_running "$1")

# kind_engine_up ENGINE: starts it unless it runs.
kind_engine_up() {
  export_engine "$1"
  lock_cluster
  install_engines
  # kind mounts it into every node, and only Docker makes what is missing.
  mkdir -p /lib/modules
  allow_watches
  if ! is_running "$1"; then
    mkdir -p "$DIR" "$LOGS"
    [[ $1 != podman ]] || write_podman_settings
    start_kind_engine "$1"
  fi
  wait_for_engine "$1"
}

# Nodes of several clusters take more instances of inotify than a machine usually allows: without them kubelets and kube-proxies
# wait for ever. Raised only, and as kind's own documentation does.
allow_watches() {
  local setting=/proc/sys/fs/inotify/max_user_instances
  (($(<"$setting") >= 1024)) || echo 1024 >"$setting"
}

start_kind_engine() {
  case $1 in
    docker) start_docker ;;
    podman) start_process podman podman system service --time=0 "unix://$SOCKET" ;;
  esac
}

# The same for the service and for the program that kind calls. A limit above our own cannot be given without CAP_SYS_RESOURCE,
# and Podman lowers its own number of processes to that which the kernel can tell apart.
write_podman_settings() {
  local processes
  processes=$(printf '%s\n' "$(ulimit -Hu)" "$(</proc/sys/kernel/pid_max)" | sort -n | head -n 1)
  mkdir -p "$RUN"
  cat >"$HOLD/containers.conf" <<EOF
[containers]
default_ulimits = ["nofile=$(ulimit -Hn):$(ulimit -Hn)", "nproc=$processes:$processes"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "seaworthy"
tmp_dir = "$RUN/libpod"
[engine.runtimes]
seaworthy = ["$CLUSTER_DIR/lib/oci-runtime"]
[network]
network_backend = "netavark"
network_config_dir = "$HOLD/networks"
EOF
  cat >"$HOLD/storage.conf" <<EOF
[storage]
driver = "overlay"
graphroot = "$HOLD/data"
runroot = "$RUN"
EOF
}

# kind_engine_down ENGINE: with all its containers, images and networks.
kind_engine_down() {
  export_engine "$1"
  [[ -d $DIR ]] || return 0
  lock_cluster
  if is_running "$1"; then
    remove_all "$1"
    stop_process "$1"
  fi
  unmount_below "$DIR" "$RUN"
  rm -rf "$DIR" "$RUN"
}

# What an engine leaves when it was not ended in order.
unmount_below() {
  local folder mount
  for folder in "$@"; do
    for mount in $(findmnt --raw --noheadings --output TARGET | grep "^$folder/" | sort -r); do umount "$mount"; done
  done
}

remove_all() {
  local found custom=(--filter type=custom)
  [[ $1 == docker ]] || custom=()
  mapfile -t found < <("$1" ps --all --quiet)
  ((${#found[@]} == 0)) || "$1" rm --force --volumes "${found[@]}" >/dev/null
  mapfile -t found < <("$1" network ls "${custom[@]}" --format '{{.Name}}' | grep -vx podman)
  ((${#found[@]} == 0)) || "$1" network rm "${found[@]}" >/dev/null
}

# load_node_image: into the engine of export_engine, unless it is there; prints its name.
load_node_image() {
  local folder name
  use_images
  folder=$(node_archive) || return
  folder=${folder%/*} name=$(cat "$folder/NAME")
  if [[ $("$ENGINE" image inspect --format '{{.Id}}' "$name" 2>/dev/null) != *$(cat "$folder/ID") ]]; then
    "$ENGINE" load --input "$folder/node.tar" >/dev/null || die "load of $folder/node.tar into $ENGINE"
    # The one that had the name before.
    "$ENGINE" image prune --force >/dev/null
  fi
  "$ENGINE" image inspect "$BALANCER_IMAGE" >/dev/null 2>&1 || "$ENGINE" load --input "$(balancer_archive)" >/dev/null
  printf '%s\n' "$name"
}
