# Where things lie, how to speak, how to wait. Sourced by every script.
# shellcheck shell=bash
set -euo pipefail

CLUSTER_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
REPO_DIR=$(cd "$CLUSTER_DIR/../.." && pwd)
CACHE=${SEAWORTHY_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/seaworthy-cluster}
STATE=${SEAWORTHY_TEST_STATE:-${XDG_STATE_HOME:-$HOME/.local/state}/seaworthy-cluster}
BUSYBOX=docker.io/library/busybox:1.36.1
export CLUSTER_DIR REPO_DIR CACHE STATE BUSYBOX

say() { printf '%s\n' "$*" >&2; }

die() {
  say "FAILED: $*"
  exit 1
}

seconds_since() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }'; }

show_tail() {
  [[ -f ${1:-} ]] || return 0
  say "--- last lines of $1"
  tail -n 25 "$1" >&2
}

# wait_for SECONDS WHAT LOG COMMAND...: polls COMMAND; at the deadline names WHAT
# and shows the end of LOG (may be empty).
wait_for() {
  local limit=$1 what=$2 log=$3
  shift 3
  local deadline=$((SECONDS + limit))
  until "$@" >/dev/null 2>&1; do
    if ((SECONDS >= deadline)); then
      show_tail "$log"
      die "$what: not within $limit s"
    fi
    sleep 0.1
  done
}

# use_cluster NAME: all variables of one cluster.
use_cluster() {
  [[ $1 =~ ^[a-z][a-z0-9-]{0,20}$ ]] || die "a cluster's name is up to 21 of a-z, 0-9 and -: $1"
  NAME=$1
  DIR=$STATE/$NAME
  LOGS=$DIR/logs
  PKI=$DIR/pki
  export NAME DIR LOGS PKI
  export KUBECONFIG=$DIR/kubeconfig
}

# One up or down of a name at a time. Descriptor 9 must not reach a daemon, or
# the lock would outlive this script; start_process closes it.
lock_cluster() {
  mkdir -p "$STATE"
  exec 9>"$STATE/.$NAME.lock"
  flock -w 900 9 || die "another up or down of $NAME is still running"
}
