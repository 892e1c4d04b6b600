# Runs groups of tests and counts.
# shellcheck shell=bash

TEST_SECONDS=${SEAWORTHY_TEST_SECONDS:-180}
passed=0 failed=0

group_file() { printf '%s/groups/%s.sh' "$CLUSTER_DIR" "$1"; }

all_groups() { find "$CLUSTER_DIR/groups" -maxdepth 1 -name '*.sh' -printf '%f\n' | sed 's/\.sh$//' | sort; }

# header GROUP KEY: the value of a comment line `# KEY: VALUE`, or the key itself
# for a line without a value.
header() { sed -n "s/^# \($2\)\$/\1/p; s/^# $2: *//p" "$(group_file "$1")" | head -n 1; }

smoke_groups() {
  local group
  for group in $(all_groups); do [[ -z $(header "$group" smoke) ]] || printf '%s\n' "$group"; done
}

tests_of() { sed -n 's/^\(test_[a-z0-9_]*\)() *{.*/\1/p' "$(group_file "$1")"; }

# run_group GROUP [TEST]
run_group() {
  local name
  if ! ready_for_group "$1"; then
    printf 'FAIL %s: not made ready\n' "$1"
    failed=$((failed + 1))
    return
  fi
  for name in $(tests_of "$1"); do
    [[ -n ${2:-} && $name != "test_$2" ]] || run_test "$1" "$name"
  done
  # At once: kind's network has the same range on every engine, and the next group may want one, too.
  [[ ${keep:-no} == yes ]] || stop_engines
}

# Each test is a process of its own, ended with all it started when time is over.
run_test() {
  local label=$1/${2#test_} began=$EPOCHREALTIME output
  output=$(mktemp)
  if setsid timeout --kill-after 5 "$TEST_SECONDS" bash "$CLUSTER_DIR/lib/one-test" "$(group_file "$1")" "$2" >"$output" 2>&1; then
    printf 'ok %s %ss\n' "$label" "$(seconds_since "$began")"
    passed=$((passed + 1))
  else
    printf 'FAIL %s %ss\n' "$label" "$(seconds_since "$began")"
    sed 's/^/    /' "$output"
    failed=$((failed + 1))
  fi
  rm -f "$output"
}

# A group with engines makes its own clusters.
ready_for_group() {
  local engines
  engines=$(header "$1" engines)
  [[ -z $(header "$1" seaworthy) ]] || build_seaworthy || return 1
  if [[ -n $engines ]]; then
    ready_engines "$engines"
    return
  fi
  [[ $(header "$1" cluster) != none ]] || return 0
  (
    set -e
    ready_cluster "$(header "$1" nodes)" "$(header "$1" up)"
    load_for "$1"
  ) || return 1
  export_cluster
}

# One that was up already stays up.
ready_engines() {
  local engine
  for engine in $1; do
    engine_is_up "$engine" || STARTED_ENGINES+=("$engine")
    "$CLUSTER_DIR/kind-image" "$engine" >/dev/null || return 1
  done
}

STARTED_ENGINES=()
stop_engines() {
  local engine
  for engine in "${STARTED_ENGINES[@]}"; do "$CLUSTER_DIR/kind-engine" down "$engine"; done
  STARTED_ENGINES=()
}

build_seaworthy() {
  [[ -z ${SEAWORTHY:-} ]] || return 0
  (cd "$REPO_DIR" && cargo build --release --locked) || return 1
  export SEAWORTHY=${CARGO_TARGET_DIR:-$REPO_DIR/target}/release/seaworthy
}

# ready_cluster NODES OPTIONS: a given cluster is used as it is.
ready_cluster() {
  [[ -z ${SEAWORTHY_TEST_KUBECONFIG:-} ]] || return 0
  # shellcheck disable=SC2086
  "$CLUSTER_DIR/up" --name "$NAME" --nodes "${1:-1}" $2 >/dev/null
}

load_for() {
  local images standins
  [[ -z ${SEAWORTHY_TEST_KUBECONFIG:-} || -d $DIR/nodes ]] || return 0
  images=$(header "$1" images) standins=$(header "$1" standins)
  # shellcheck disable=SC2086
  {
    [[ -z $images ]] || "$CLUSTER_DIR/load-image" --name "$NAME" $images
    [[ -z $standins ]] || "$CLUSTER_DIR/load-standins" --name "$NAME" $standins
  }
}

export_cluster() {
  export KUBECONFIG=${SEAWORTHY_TEST_KUBECONFIG:-$DIR/kubeconfig}
  export AUDIT_LOG=$DIR/audit.log
}

# Ends with the line that says how it went, and the exit code of it.
finish() {
  printf '%d passed, %d failed\n' "$passed" "$failed"
  ((failed == 0 && passed > 0))
}
