# What the groups `broken` and `speed` share. Sourced by them.
# shellcheck shell=bash

# shellcheck disable=SC1091
. "$CLUSTER_DIR/lib/all.sh"
use_cluster "$(basename "$(dirname "$KUBECONFIG")")"
BENCH_DIR=$CLUSTER_DIR/bench
# What was measured stays here, one file a table.
# shellcheck disable=SC2034
REPORTS=$STATE/.reports

# at_exit COMMAND...: when this process ends; the last one given is done first.
EXITS=()
at_exit() {
  EXITS=("$(printf '%q ' "$@")" "${EXITS[@]}")
  trap run_exits EXIT
}

run_exits() {
  local command
  for command in "${EXITS[@]}"; do eval "$command" >/dev/null 2>&1 || true; done
}

# keep COMMAND...: a process that lasts as long as the test.
KEPT=()
keep() {
  "$@" &
  KEPT+=($!)
  at_exit kill $!
}

# Sets MEASURE, the program beside this file.
build_measure() {
  local folder
  folder=$CACHE/measure-$(hash_of "$BENCH_DIR"/go/*.go)
  build_once "$folder" build_measure_into
  # shellcheck disable=SC2034
  MEASURE=$folder/measure
}

build_measure_into() { go_build "$BENCH_DIR/go" "$1" "" .; }

# proxy ARGUMENT...: a door to the cluster that counts who comes through (apiproxy). DOOR.kubeconfig leads there, DOOR.requests has a line for
# each request, and CONTROL is where it can be asked.
proxy() {
  DOOR=$(mktemp)
  keep "$TOOLS/apiproxy" -kubeconfig "$KUBECONFIG" -write-kubeconfig "$DOOR.kubeconfig" -log "$DOOR.requests" "$@" >"$DOOR"
  wait_for 10 "the proxy" "$DOOR" grep -q control "$DOOR"
  CONTROL=$(sed -n 's/^control //p' "$DOOR")
}
