# Engines that stay up until they are taken down, for kind.
# shellcheck shell=bash

# use_kind_engine ENGINE: its place; nothing is started.
use_kind_engine() {
  [[ $1 == docker ]] || die "no engine is named $1: docker"
  use_cluster "kind-$1"
  use_engine "$1" "$DIR"
}

# kind_engine_up ENGINE: starts it unless it runs.
kind_engine_up() {
  use_kind_engine "$1"
  lock_cluster
  install_engines
  if ! is_running "$1"; then
    mkdir -p "$DIR" "$LOGS"
    "start_$1"
  fi
  wait_for_engine "$1"
}

# kind_engine_down ENGINE: with all its containers and images.
kind_engine_down() {
  local ids
  use_kind_engine "$1"
  [[ -d $DIR ]] || return 0
  lock_cluster
  if is_running "$1"; then
    mapfile -t ids < <(on_engine ps -aq)
    ((${#ids[@]} == 0)) || on_engine rm -fv "${ids[@]}" >/dev/null
    remove_engine_networks
    stop_process "$1"
  fi
  rm -rf "$DIR"
}

remove_engine_networks() {
  local names
  mapfile -t names < <(on_engine network ls --filter type=custom --format '{{.Name}}')
  ((${#names[@]} == 0)) || on_engine network rm "${names[@]}" >/dev/null
}

# load_node_image: into the engine, unless it is there; prints its name.
load_node_image() {
  local folder name
  folder=$(node_archive) || return
  folder=${folder%/*} name=$(cat "$folder/NAME")
  if [[ $(on_engine image inspect --format '{{.Id}}' "$name" 2>/dev/null) != sha256:$(cat "$folder/ID") ]]; then
    on_engine load --input "$folder/node.tar" >/dev/null
  fi
  printf '%s\n' "$name"
}

on_engine() { docker --host "unix://$SOCKET" "$@"; }
