# What a command says and how it ends, for groups that have no cluster of the harness: both outputs are in $WORK/said.
# shellcheck shell=bash

# ends CODE COMMAND...: it has to end with that code, within $PATIENCE seconds (60).
ends() {
  local wanted=$1 code=0
  shift
  timeout "${PATIENCE:-60}" "$@" >"$WORK/said" 2>&1 </dev/null || code=$?
  ((code == wanted)) || fail "${1##*/} ${*:2} ended with $code, not $wanted: $(cat "$WORK/said")"
}

# says TEXT...: each of them
says() {
  local text
  for text; do grep -qF -- "$text" "$WORK/said" || fail "nothing like '$text' in: $(cat "$WORK/said")"; done
}

says_not() { ! grep -qF -- "$1" "$WORK/said" || fail "there is '$1' in: $(cat "$WORK/said")"; }

# says_only LINE...: these and nothing else
says_only() { diff <(printf '%s\n' "$@") "$WORK/said" || fail "something else was said"; }
