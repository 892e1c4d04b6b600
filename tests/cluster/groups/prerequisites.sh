# The prerequisites. Their definitions, asked of a real API server: what the official ones of the same version accept ours accept,
# and nothing else, with the same defaults and the same words.
# seaworthy
# shellcheck shell=bash
# shellcheck source=tests/cluster/lib/seaworthy.sh
. "$CLUSTER_DIR/lib/seaworthy.sh"

CASES=$CLUSTER_DIR/prerequisites

test_clonesets_are_as_the_official_ones() { as_the_official_one kruise apps.kruise.io v1alpha1 clonesets github.com/openkruise/kruise; }

test_pools_are_as_the_official_ones() { as_the_official_one metallb metallb.io v1beta1 ipaddresspools go.universe.tf/metallb; }

test_layer_2_is_as_the_official_one() { as_the_official_one metallb metallb.io v1beta1 l2advertisements go.universe.tf/metallb; }

# as_the_official_one STACK GROUP VERSION PLURAL MODULE
as_the_official_one() {
  GROUP=$2 VERSION=$3 PLURAL=$4
  local definition=$PLURAL.$GROUP official
  # Taking a definition away takes along all that is of its kind.
  [[ -z $(kubectl get customresourcedefinition "$definition" --ignore-not-found -o name) ]] ||
    fail "$definition is there already; this test puts its own in its place and wants a cluster without"
  WORK=$(mktemp -d)
  new_namespace
  trap 'kubectl delete "customresourcedefinition/$PLURAL.$GROUP" "namespace/$NAMESPACE" --ignore-not-found --wait=false >/dev/null; rm -rf "$WORK"' EXIT
  awk -v folder="$WORK" 'BEGIN { n = 1 } /^---$/ { n++; next } { print > sprintf("%s/case-%02d.yaml", folder, n) }' "$CASES/$PLURAL.yaml"

  "$SEAWORTHY" --profiles "$REPO_DIR/assets" render "$1" --example -o json |
    jq --arg name "$definition" '.items[] | select(.metadata.name == $name)' | define
  verdicts >"$WORK/ours"
  kubectl delete "customresourcedefinition/$definition" --timeout=60s >/dev/null
  # the sources that the test cluster's own controllers are built from
  official=$(module_dir "$1" "$5")
  define <"$official/config/crd/bases/${GROUP}_$PLURAL.yaml"
  verdicts >"$WORK/theirs"

  diff "$WORK/theirs" "$WORK/ours" || fail "the official definition (<) and ours (>) do not agree"
  same "what was not decided as the table says" "" "$(grep -E '^ok-.* refused|^no-.* accepted' "$WORK/ours")"
  figure "$(grep -c ' accepted' "$WORK/ours") accepted, $(grep -c ' refused' "$WORK/ours") refused, all as by the official definition"
}

# One definition from standard input, served from then on.
define() {
  kubectl create -f - >/dev/null
  kubectl wait --for=condition=Established --timeout=30s "customresourcedefinition/$PLURAL.$GROUP" >/dev/null
  eventually 30 kubectl get --raw "/apis/$GROUP/$VERSION/namespaces/$NAMESPACE/$PLURAL"
}

# All that the API server says of the cases and of the kind itself, one line each.
verdicts() {
  local file
  for file in "$WORK"/case-*.yaml; do
    verdict "$file" strict "$(name_in "$file")"
    # without strictness: what is dropped of it
    verdict "$file" ignore "pruned-$(name_in "$file")"
  done
  statuses
  kubectl get --raw "/apis/$GROUP/$VERSION" |
    jq -cS --arg plural "$PLURAL" '.resources[] | select(.name | split("/")[0] == $plural) | del(.storageVersionHash)'
  k get "$PLURAL" -o wide | head -n 1
}

name_in() { sed -n 's/.*metadata: {name: \([^,}]*\).*/\1/p' "$1"; }

# verdict FILE strict|ignore NAME: the object as it would be stored, or why it is refused
verdict() {
  if k create --dry-run=server "--validate=$2" -o json -f "$1" >"$WORK/out" 2>"$WORK/err"; then
    printf '%s accepted %s\n' "$3" "$(jq -cS 'del(.metadata.uid, .metadata.creationTimestamp, .metadata.managedFields, .metadata.namespace)' "$WORK/out")"
  else
    printf '%s refused %s\n' "$3" "$(tr '\n' ' ' <"$WORK/err")"
  fi
}

# The same of what a controller writes: the statuses in status.json, put on the first object of the cases.
statuses() {
  local wanted status count=0
  k create -f "$WORK/case-01.yaml" -o json >"$WORK/first.json"
  while IFS=$'\t' read -r wanted status; do
    count=$((count + 1))
    jq --argjson status "$status" '.status = $status' "$WORK/first.json" >"$WORK/status.json"
    if kubectl replace -f "$WORK/status.json" \
      --raw "/apis/$GROUP/$VERSION/namespaces/$NAMESPACE/$PLURAL/$(jq -r .metadata.name "$WORK/first.json")/status?dryRun=All&fieldValidation=Strict" \
      >"$WORK/out" 2>"$WORK/err"; then
      printf '%s-status-%s accepted %s\n' "$wanted" "$count" "$(jq -cS .status "$WORK/out")"
    else
      printf '%s-status-%s refused %s\n' "$wanted" "$count" "$(tr '\n' ' ' <"$WORK/err")"
    fi
  done < <(jq -r --arg plural "$PLURAL" '.[$plural][] | "\(.[0])\t\(.[1] | tojson)"' "$CASES/status.json")
}
