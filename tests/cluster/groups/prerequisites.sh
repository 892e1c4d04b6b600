# The prerequisites, with the real controllers: each from nothing, used as stacks use it, and taken away with nothing left. And their
# definitions, asked of a real API server: what the official ones of the same version accept ours accept, and nothing else,
# with the same defaults and the same words.
# seaworthy
# up: --no-storage --self-signed
# images: prerequisites
# shellcheck shell=bash
# shellcheck source=tests/cluster/lib/seaworthy.sh
. "$CLUSTER_DIR/lib/seaworthy.sh"
# shellcheck source=tests/cluster/groups/lib/everything.sh
. "$CLUSTER_DIR/groups/lib/everything.sh"
# shellcheck source=tests/cluster/groups/lib/official.sh
. "$CLUSTER_DIR/groups/lib/official.sh"

CASES=$CLUSTER_DIR/prerequisites

# 0.0.37 is not to be had here; what is does not answer probes.
test_local_path_comes_works_and_goes() {
  begin
  comes_works_and_goes local-path --set image.tag=v0.0.30 --set provisioner.probes=false
}

# The same program under another name. The folder of one node is as shared as one node needs; that several share one has to be proved, and these
# are no containers of this machine.
test_shared_path_comes_works_and_goes() {
  local nodes mark
  begin
  nodes=$(kubectl get node -o name | wc -l)
  if ((nodes > 1)); then
    mark=$(audit_mark)
    exits 2 sw prerequisites install shared-path --yes
    says "shared-path cannot be installed: its $nodes nodes are not proved to be containers of this machine" "nothing was written"
    same "what was written" "" "$(audited_writes "$mark")"
    return
  fi
  comes_works_and_goes shared-path --set image.tag=v0.0.30 --set provisioner.probes=false
}

test_metrics_server_comes_works_and_goes() {
  begin
  comes_works_and_goes metrics-server
}

test_metallb_comes_works_and_goes() {
  begin
  comes_works_and_goes metallb --pool "$(addresses)"
}

test_kruise_comes_works_and_goes() {
  begin
  comes_works_and_goes kruise
}

# Whatever is missing of one is put back, and it works as before: with its account go the tokens of its pods, so they are started anew.
test_each_object_of_metallb_is_put_back() { each_is_put_back metallb 20 --pool "$(addresses)"; }

test_each_object_of_metrics_server_is_put_back() { each_is_put_back metrics-server 6; }

test_each_object_of_local_path_is_put_back() { each_is_put_back local-path 6 --set image.tag=v0.0.30 --set provisioner.probes=false; }

# each_is_put_back NAME AT-LEAST ARGUMENTS...; PART: which of them, 2/3 is every third from the second on
each_is_put_back() {
  local name=$1 least=$2 kind namespace object count=0
  shift 2
  begin
  TAKEN_APART=$name
  trap 'sw prerequisites uninstall "$TAKEN_APART" --in-use --yes >/dev/null 2>&1; end' EXIT
  exits 0 sw prerequisites install "$name" "$@" --no-check --yes
  while IFS='|' read -r kind namespace object; do
    kubectl delete "$kind" "$object" ${namespace:+--namespace "$namespace"} --timeout=60s >/dev/null
    exits 0 sw prerequisites install "$name" "$@" --no-check --yes
    kubectl get "$kind" "$object" ${namespace:+--namespace "$namespace"} -o name >/dev/null
    count=$((count + 1))
  done < <(objects_of "$name" | awk -v part="${PART:-1/1}" 'BEGIN { split(part, of, "/") } NR % of[2] == of[1] % of[2]')
  exits 0 sw prerequisites check "$name"
  figure "$count objects, each put back"
  ((count >= least)) || fail "only $count objects were found"
}

# The manager of kruise needs 40 s to start, which it does anew with several of its objects: in four parts, every fourth one each.
test_each_object_of_kruise_is_put_back_1() { PART=1/4 each_is_put_back kruise 2; }

test_each_object_of_kruise_is_put_back_2() { PART=2/4 each_is_put_back kruise 2; }

test_each_object_of_kruise_is_put_back_3() { PART=3/4 each_is_put_back kruise 2; }

test_each_object_of_kruise_is_put_back_4() { PART=4/4 each_is_put_back kruise 2; }

# What this program has installed in an older version is brought to the one that it brings along, object by object, and its
# pods only are made anew. Under the older tag lies the same program here: what is upgraded are the manifests.
test_an_older_metrics_server_is_upgraded() { is_upgraded metrics-server v0.7.0 image.tag; }

test_an_older_metallb_is_upgraded() { is_upgraded metallb v0.15.3 controller.image.tag,speaker.image.tag --pool "$(addresses)"; }

test_an_older_kruise_is_upgraded() { is_upgraded kruise v1.5.2 image.tag; }

# is_upgraded NAME OLDER TAGS ARGUMENTS...: TAGS are the settings that hold the version
is_upgraded() {
  local name=$1 older=$2 set='' tag mark
  for tag in ${3//,/ }; do set+=${set:+,}$tag=$older; done
  shift 3
  begin
  TAKEN_APART=$name
  trap 'sw prerequisites uninstall "$TAKEN_APART" --in-use --yes >/dev/null 2>&1; end' EXIT
  eventually 60 nothing_goes
  exits 0 sw prerequisites install "$name" "$@" --set "$set" --no-check --yes
  lasting >"$WORK/before"
  decided "$name" "upgrade seaworthy" "$@"
  exits 0 sw prerequisites install "$name" "$@" --yes
  same "what is made anew or gone" "" "$(comm -3 "$WORK/before" <(lasting))"
  decided "$name" "keep seaworthy" "$@"
  mark=$(audit_mark)
  exits 0 sw prerequisites install "$name" "$@" --no-check --yes
  same "what a second install writes" "" "$(audited_writes "$mark")"
}

# decided NAME "DO BY" ARGUMENTS...: what `install` would do, and who looks after what is there
decided() {
  local name=$1 wanted=$2
  shift 2
  exits 0 sw prerequisites install "$name" "$@" --dry-run -o json
  same "what is decided about $name" "$wanted" "$(jq -r '.prerequisites[] | "\(.do) \(.found.manager.by)"' "$WORK/out")"
}

# Everything but what comes and goes with pods.
lasting() {
  everything | grep -v ' seaworthy-smoke-' |
    grep -vE '^(Pod|ReplicaSet|ControllerRevision|EndpointSlice|Endpoints|Lease|ConfigMap|Secret|Namespace|ServiceAccount|ConfigurationState|ServiceL2Status) '
}

# What somebody has applied by hand, from the official manifests, is used and left alone: nothing is written, and nothing taken away.
test_an_official_metrics_server_is_left_alone() { left_alone metrics-server official_metrics_server kube-system deployment/metrics-server; }

test_an_official_metallb_is_left_alone() { left_alone metallb official_metallb metallb-system deployment/controller daemonset/speaker; }

test_an_official_local_path_is_left_alone() { left_alone local-path official_local_path local-path-storage deployment/local-path-provisioner; }

test_an_official_kruise_is_left_alone() { left_alone kruise official_kruise kruise-system deployment/kruise-controller-manager; }

# And taken over by whoever says so: then it is ours, works, and goes; what it had beside ours stays.
test_an_official_metrics_server_is_taken_over() {
  by_hand official_metrics_server kube-system deployment/metrics-server
  taken_over metrics-server
  same "what is left of it" "" "$(left_of_it)"
}

test_an_official_local_path_is_taken_over() {
  by_hand official_local_path local-path-storage deployment/local-path-provisioner
  # Its version is told to it, and is older than the one that the program brings.
  THEN='upgrade seaworthy' taken_over local-path --set image.tag=v0.0.30 --set provisioner.probes=false
  # Its namespace was made by hand, and is nobody's to take away.
  same "what is left of it" "Namespace /local-path-storage" "$(left_of_it)"
}

# Its webhook would refuse the pool of a controller that has none.
test_an_official_metallb_is_taken_over() {
  by_hand official_metallb metallb-system deployment/controller daemonset/speaker
  exits 2 sw prerequisites install metallb --adopt metallb --pool "$(addresses)" --yes
  says "kubectl delete validatingwebhookconfiguration/metallb-webhook-configuration"
  kubectl delete validatingwebhookconfiguration/metallb-webhook-configuration >/dev/null
  taken_over metallb --pool "$(addresses)"
  contains "Namespace /metallb-system" left_of_it
}

test_an_official_kruise_is_not_taken_over() {
  by_hand official_kruise kruise-system deployment/kruise-controller-manager
  local mark
  mark=$(audit_mark)
  exits 2 sw prerequisites install kruise --adopt kruise --yes
  says "has more kinds than the CloneSets of ours"
  same "what was written" "" "$(audited_writes "$mark")"
}

# by_hand MANIFESTS NAMESPACE WORKLOAD...: what the function MANIFESTS prints, applied and rolled out, until the test ends
by_hand() {
  local manifests=$1 namespace=$2 workload
  shift 2
  begin
  eventually 60 nothing_goes
  everything >"$WORK/before"
  trap 'kubectl delete --ignore-not-found -f "$WORK/all.yaml" --timeout=90s >/dev/null; end' EXIT
  "$manifests" >"$WORK/all.yaml"
  kubectl apply --server-side -f "$WORK/all.yaml" >/dev/null
  for workload in "$@"; do kubectl --namespace "$namespace" rollout status "$workload" --timeout=90s >/dev/null; done
}

# taken_over NAME ARGUMENTS...; THEN: what is decided about it afterwards
taken_over() {
  local name=$1 mark
  shift
  exits 0 sw prerequisites install "$name" --adopt "$name" "$@" --yes
  decided "$name" "${THEN:-keep seaworthy}" "$@"
  mark=$(audit_mark)
  exits 0 sw prerequisites install "$name" "$@" --no-check --yes
  same "what a second install writes" "" "$(audited_writes "$mark")"
  exits 0 sw prerequisites uninstall "$name" --yes
}

left_of_it() { eventually 60 nothing_goes && added "$WORK/before" | grep -vE '/(kube-root-ca.crt|default)$'; }

# left_alone NAME MANIFESTS NAMESPACE WORKLOAD...
left_alone() {
  local name=$1 mark
  shift
  by_hand "$@"
  # Somebody has to have made a pool before anything can get an address; that is not ours to do here.
  [[ $name != metallb ]] || official_pool
  eventually 90 works "$name"
  mark=$(audit_mark)
  same "what is decided" "use hand" "$(jq -r --arg name "$name" '.prerequisites[] | select(.prerequisite == $name) | "\(.do) \(.found.manager.by)"' "$WORK/out")"
  exits 0 sw prerequisites install "$name" --no-check --yes
  same "what install writes" "" "$(audited_writes "$mark")"
  exits 2 sw prerequisites uninstall "$name" --yes
  same "what uninstall writes" "" "$(audited_writes "$mark")"
}

works() {
  exits 0 sw prerequisites list -o json
  [[ $(jq -r --arg name "$1" '.prerequisites[] | select(.prerequisite == $name) | .found.health.is' "$WORK/out") == healthy ]]
}

official_pool() {
  cat >>"$WORK/all.yaml" <<END
---
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: theirs, namespace: metallb-system}
spec: {addresses: ["$(addresses)"]}
---
apiVersion: metallb.io/v1beta1
kind: L2Advertisement
metadata: {name: theirs, namespace: metallb-system}
END
  eventually 60 kubectl apply --server-side -f "$WORK/all.yaml"
}

# Whoever may only look is told what is there, and which right is missing, before anything is written.
test_who_may_only_look() {
  local mark
  begin
  new_user viewer view
  mark=$(audit_mark)
  exits 2 timeout 60 "$SEAWORTHY" --kubeconfig "$WORK/viewer.kubeconfig" prerequisites install metallb --pool "$(addresses)" --yes
  same "what was written" "" "$(audited_writes "$mark")"
  contains "cannot be read, so what is there is not known" cat "$WORK/err"
}

# A webhook that nobody answers refuses what it is asked about: said by its name; and all is well when it answers again.
test_a_webhook_that_does_not_answer() {
  begin
  trap 'sw prerequisites uninstall kruise --in-use --yes >/dev/null 2>&1; end' EXIT
  exits 0 sw prerequisites install kruise --no-check --yes
  kubectl --namespace kruise-system scale deployment --all --replicas=0 >/dev/null
  kubectl --namespace kruise-system wait --for=delete pod --all --timeout=60s >/dev/null
  exits 1 sw prerequisites check kruise
  contains webhook cat "$WORK/err"
  # It mends what was scaled away, and proves that it works.
  exits 0 sw prerequisites install kruise --yes
}

# objects_of STACK: KIND|NAMESPACE|NAME of each, without its namespace and what controllers make of its Services
objects_of() {
  local kinds
  kinds=$(kubectl api-resources --verbs=delete -o name | grep -vE '^(namespaces|events.*|endpoints.*|.*\.metrics\.k8s\.io)$' | paste -sd,)
  kubectl get "$kinds" --all-namespaces -l "seaworthy.dev/stack=$1" -o json |
    jq -r '.items[] | [.kind, .metadata.namespace // "", .metadata.name] | join("|")' | sort -u
}

# Some of the nodes' own network, which no node has.
addresses() { kubectl get nodes -o json | jq -r '[.items[0].status.addresses[] | select(.type == "InternalIP")][0].address | sub("[0-9]+$"; "200") + "-" + sub("[0-9]+$"; "210")'; }

# comes_works_and_goes NAME ARGUMENTS...
comes_works_and_goes() {
  local name=$1 mark began
  shift
  eventually 60 nothing_goes
  everything >"$WORK/before"
  began=$EPOCHREALTIME mark=$(audit_mark)
  exits 0 sw prerequisites install "$name" "$@" --yes -o json
  (($(audited_writes "$mark" | wc -l) >= 9)) || fail "the audit log does not show what the install of $name writes"
  same "what the check says" "$name true" "$(jq -r '.checks[] | "\(.prerequisite) \(.works)"' "$WORK/out")"
  figure "$name: $(seconds_since "$began") s with its check, of which $(jq '[.runs[].outcome.millis] | add / 1000' "$WORK/out") s to install"
  (($(comm -13 "$WORK/before" <(everything) | wc -l) >= 9)) || fail "the walk sees nothing of $name"
  mark=$(audit_mark)
  exits 0 sw prerequisites install "$name" "$@" --no-check --yes
  same "what a second install writes" "" "$(audited_writes "$mark")"
  began=$EPOCHREALTIME
  exits 0 sw prerequisites uninstall "$name" --yes
  figure "$name: $(seconds_since "$began") s to uninstall"
  # What controllers made is theirs to take away, a moment later.
  (eventually 60 nothing_is_added) || same "what is left" "" "$(added "$WORK/before")"
  same "what is gone of what was there before" "" "$(comm -23 "$WORK/before" <(everything))"
}

nothing_is_added() { [[ -z $(added "$WORK/before") ]]; }

nothing_goes() {
  [[ -z $(kubectl get namespaces,persistentvolumes,pods --all-namespaces -o json |
    jq -r '.items[] | select(.metadata.deletionTimestamp or .status.phase == "Released") | .metadata.name') ]]
}

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
  k get "$PLURAL" -o wide | sed -n 1p
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
