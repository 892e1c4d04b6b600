# Images of a private registry: who may pull is known before the first write, and pods pull with the login that was given once.
# Charts from there, and from a repository over HTTP: what helm may fetch is installed, what it may not is refused before anything is written.
# seaworthy
# shellcheck shell=bash
# shellcheck source=tests/cluster/lib/seaworthy.sh
. "$CLUSTER_DIR/lib/seaworthy.sh"
# shellcheck source=tests/cluster/groups/lib/registry.sh
. "$CLUSTER_DIR/groups/lib/registry.sh"

STACK=hello
SECRET=hello-registry

begin_registry() {
  begin
  start_registry
  push docker.io/library/busybox:1.36.1 library/busybox:1.36.1
}

# hello ARGUMENT...: from the private registry
hello() { sw install hello -n "$NAMESPACE" --registry "$REGISTRY" --yes "$@"; }

logged_in() { hello --registry-login "$REGISTRY_USER=@$WORK/password" "$@"; }

registries_of_secret() { k get secret "$SECRET" -o json | jq -r '.data[".dockerconfigjson"] | @base64d | fromjson | .auths | keys | join(" ")'; }

# refused TEXT COMMAND...: nothing is written, and this is said
refused() {
  local text=$1 mark
  shift
  mark=$(audit_mark)
  exits 2 "$@"
  says "the plan cannot succeed on this cluster; nothing was written" "$text" "--ignore images"
  same "what was written" "" "$(audited_writes "$mark")"
}

test_pods_pull_with_the_login_and_keep_it() {
  local before mark
  begin_registry
  exits 0 logged_in
  contains "Successfully pulled image \"$REGISTRY/library/busybox:1.36.1\"" k get events -o yaml
  expect "kubernetes.io/dockerconfigjson" k get secret "$SECRET" -o 'jsonpath={.type}'
  ! grep -rq "$REGISTRY_PASSWORD" "$SEAWORTHY_STATE_DIR" "$WORK/out" "$WORK/err" || fail "the password lies in the journal, or was shown"
  ! kubectl -n "$SYSTEM" get configmap -o json | grep -q "$REGISTRY_PASSWORD" || fail "the password is in the record"
  mark=$(audit_mark)
  exits 0 logged_in
  same "what the second install writes to the stack" "" "$(audited_writes "$mark" | grep "$NAMESPACE" | grep -v "$SYSTEM" || true)"
  # An upgrade goes on with it, and nobody gives it again.
  before=$(k get secret "$SECRET" -o 'jsonpath={.metadata.uid} {.data}')
  exits 0 sw upgrade hello -n "$NAMESPACE" --set page.greeting=Hello --yes
  same "the Secret" "$before" "$(k get secret "$SECRET" -o 'jsonpath={.metadata.uid} {.data}')"
  contains "$SECRET" k get deployment hello-web -o 'jsonpath={.spec.template.spec.imagePullSecrets}'
  exits 0 sw uninstall hello -n "$NAMESPACE" --yes
  says "keep   Secret/$SECRET" "--destroy-data=Secret/$NAMESPACE/$SECRET"
  exits 0 sw uninstall hello -n "$NAMESPACE" --destroy-data="Secret/$NAMESPACE/$SECRET" --yes
  expect "" k get secret "$SECRET" --ignore-not-found -o name
}

# As `docker login` left it; the registries that the stack does not need stay out of it.
test_a_file_of_logins_is_taken_over_in_part() {
  local auth
  begin_registry
  auth=$(printf '%s:%s' "$REGISTRY_USER" "$REGISTRY_PASSWORD" | base64 -w0)
  printf '{"auths": {"%s": {"auth": "%s"}, "other.example": {"auth": "%s"}}}' "$REGISTRY" "$auth" "$auth" >"$WORK/config.json"
  exits 0 hello --registry-login "@$WORK/config.json"
  expect "$REGISTRY" registries_of_secret
}

test_who_may_not_pull_is_refused() {
  begin_registry
  refused "$REGISTRY does not give $REGISTRY/library/busybox:1.36.1 to anybody without a login, if it has it at all" hello
  printf 'wrong' >"$WORK/password"
  refused "$REGISTRY does not give $REGISTRY/library/busybox:1.36.1 to $REGISTRY_USER, or refuses the password" logged_in
  # A Secret of the user's own is asked with, too.
  printf '%s' "$REGISTRY_PASSWORD" >"$WORK/password"
  kubectl create namespace "$NAMESPACE" >/dev/null
  k create secret docker-registry mine --docker-server "$REGISTRY" --docker-username "$REGISTRY_USER" --docker-password wrong >/dev/null
  refused "or refuses the password" hello --pull-secret mine
  k delete secret mine >/dev/null
  k create secret docker-registry mine --docker-server "$REGISTRY" --docker-username "$REGISTRY_USER" --docker-password "$REGISTRY_PASSWORD" >/dev/null
  exits 0 hello --pull-secret mine
}

test_what_is_not_there_or_for_other_processors_is_refused() {
  begin_registry
  refused "$REGISTRY has no image $REGISTRY/library/busybox:0.0.1" logged_in --set image.tag=0.0.1
  put_strange library/busybox strange
  refused "$REGISTRY/library/busybox:strange is made for s390x, and there are nodes of amd64" logged_in --set image.tag=strange
}

# Nobody can be asked, so nothing is refused: the node's own reason is what ends it.
test_a_registry_that_is_silent_is_said_and_refuses_nothing() {
  begin_registry
  end_process "$(cat "$WORK/registry.pid")"
  exits 1 logged_in --timeout 20s
  says "whether the nodes can pull $REGISTRY/library/busybox:1.36.1 is not known: $REGISTRY cannot be asked from this machine"
}

test_a_login_that_is_none() {
  begin_registry
  exits 2 hello --registry-login "$REGISTRY_USER=$REGISTRY_PASSWORD"
  says 'a password has to be in a file'
  ! grep -q "$REGISTRY_PASSWORD" "$WORK/out" "$WORK/err" || fail "the password was shown"
  exits 2 hello --registry-login "$REGISTRY_USER@quay.io=@$WORK/password"
  says "--registry-login is for quay.io, and the images come from $REGISTRY"
  printf '{"auths": {"%s": {}}, "credsStore": "desktop"}' "$REGISTRY" >"$WORK/config.json"
  exits 2 hello --registry-login "@$WORK/config.json"
  says "it leaves the login of $REGISTRY to the helper \`desktop\`"
}

# --- charts

# charts: helm with a home of its own, and the chart of the group `chart` as an archive; CHART is what is installed from.
charts() {
  # shellcheck disable=SC2034 # end() deletes records by it
  STACK=shop
  HELM=$("$CLUSTER_DIR/tool" "${GENERATION:-helm}")
  PATH=$(dirname "$HELM"):$PATH
  export HELM_CONFIG_HOME=$WORK/helm/config HELM_CACHE_HOME=$WORK/helm/cache HELM_DATA_HOME=$WORK/helm/data
  pack 0.1.0
}

# pack VERSION: the archive $WORK/charts/shop-VERSION.tgz
pack() { helm package "$CLUSTER_DIR/charts/shop" --version "$1" --destination "$WORK/charts" >/dev/null; }

helm() { "$HELM" "$@"; }

# helm_login, helm_push VERSION: to the registry
helm_login() { helm registry login "$REGISTRY" --username "$REGISTRY_USER" --password-stdin <"$WORK/password" >>"$WORK/helm.log" 2>&1 || fail "$(cat "$WORK/helm.log")"; }

helm_push() { helm push "$WORK/charts/shop-$1.tgz" "oci://$REGISTRY/charts" >"$WORK/pushed" 2>&1 || fail "$(cat "$WORK/pushed")"; }

# shop ARGUMENT...: installs from $CHART
shop() { sw --profiles "$CLUSTER_DIR/charts/stacks" install shop -n "$NAMESPACE" --chart "$CHART" --secret "web.password=@$WORK/password" --yes "$@"; }

# deployed REVISION CHART: helm's newest revision, and what it is made from
deployed() { expect "$1 deployed $2" eval 'helm --kubeconfig "$CONFIG" -n "$NAMESPACE" history shop -o json | jq -r ".[-1] | \"\(.revision) \(.status) \(.chart)\""'; }

# no_chart TEXT... -- ARGUMENT...: refused with each of these words, before anything is written
no_chart() {
  local words=() mark
  while [[ $1 != -- ]]; do words+=("$1") && shift; done
  shift
  mark=$(audit_mark)
  exits 2 shop "$@"
  says "helm cannot find the chart $CHART" "${words[@]}"
  same "what was written" "" "$(audited_writes "$mark")"
}

# writes_nothing ARGUMENT...: an install that has nothing to do
writes_nothing() {
  exits 0 shop -o json "$@"
  expect 0 jq .outcome.requests.writes "$WORK/out"
}

# notes_only ARGUMENT...: the same chart from elsewhere: the record says so, for the next upgrade, and the release stays as it is
notes_only() {
  open_door door
  exits 0 through door shop "$@"
  same "what was written to the stack" "" "$(own_writes door)"
  [[ $(writes door) == *"/configmaps/$NAMESPACE.shop"* ]] || fail "the record does not say so: $(writes door)"
  end_process "$(cat "$WORK/door.pid")"
}

test_a_chart_is_installed_from_a_registry() {
  begin
  start_registry
  charts
  helm_login
  helm_push 0.1.0
  CHART=oci://$REGISTRY/charts/shop
  no_chart 9.9.9 'check host, path and version' -- --chart-version 9.9.9
  CHART=oci://$REGISTRY/charts/nothing no_chart 'check host, path and version' -- --chart-version 0.1.0
  exits 0 shop --chart-version 0.1.0
  says 'answered 200'
  deployed 1 shop-0.1.0
  writes_nothing --chart-version 0.1.0
  ! grep -q tomorrow "$WORK/out" "$WORK/err" || fail "a version that was given is held to be loose: $(cat "$WORK/out" "$WORK/err")"
  # Without a version it is the newest, and where that does something it is said.
  notes_only
  pack 0.2.0
  helm_push 0.2.0
  exits 0 shop --dry-run
  says 'shop 0.2.0' 'can be another one tomorrow; pin it with --chart-version 0.2.0'
  exits 0 sw --profiles "$CLUSTER_DIR/charts/stacks" upgrade shop -n "$NAMESPACE" --chart-version 0.2.0 --yes
  deployed 2 shop-0.2.0
  # By its digest it is the same for ever.
  CHART=oci://$REGISTRY/charts/shop@$(sed -n 's/^Digest: //p' "$WORK/pushed")
  notes_only
  ! grep -q tomorrow "$WORK/out" "$WORK/err" || fail "a digest is held to be loose: $(cat "$WORK/out" "$WORK/err")"
}

test_helm_3_and_a_registry() { GENERATION=helm3 test_a_chart_is_installed_from_a_registry; }

test_who_may_not_fetch_the_chart_is_refused() {
  begin
  start_registry
  charts
  helm_login
  helm_push 0.1.0
  helm registry logout "$REGISTRY" >/dev/null 2>&1
  CHART=oci://$REGISTRY/charts/shop
  no_chart 'helm registry login' -- --chart-version 0.1.0
  grep -qiE '401|unauthorized|basic credential|authentication required' "$WORK/err" || fail "it does not say that a login is missing: $(cat "$WORK/err")"
  kubectl get namespace "$NAMESPACE" >/dev/null 2>&1 && fail "the namespace was made"
  # Nobody is there at all.
  end_process "$(cat "$WORK/registry.pid")"
  no_chart 'connection refused' -- --chart-version 0.1.0
}

# start_repository: a folder with charts, over HTTP; sets REPOSITORY
start_repository() {
  ensure_packages python3:python3
  helm repo index "$WORK/charts"
  # It takes a port that is free, and says which.
  python3 -u -m http.server --bind 127.0.0.1 --directory "$WORK/charts" 0 >"$WORK/repository.log" 2>&1 &
  printf '%s\n' $! >"$WORK/repository.pid"
  eventually 20 grep -q 'port [0-9]' "$WORK/repository.log"
  REPOSITORY=http://127.0.0.1:$(sed -nE 's/.* port ([0-9]+) .*/\1/p' "$WORK/repository.log" | head -n 1)
}

test_a_chart_is_installed_from_a_repository() {
  begin
  printf 'swordfish' >"$WORK/password"
  charts
  pack 0.2.0
  start_repository
  CHART=harbour/shop
  no_chart 'helm repo list' harbour -- --chart-version 0.1.0
  helm repo add harbour "$REPOSITORY" >/dev/null
  no_chart 9.9.9 'helm search repo' -- --chart-version 9.9.9
  exits 0 shop --chart-version 0.1.0
  deployed 1 shop-0.1.0
  writes_nothing --chart-version 0.1.0
  # An upgrade goes on with repository and version of the record.
  exits 0 sw --profiles "$CLUSTER_DIR/charts/stacks" upgrade shop -n "$NAMESPACE" --set web.replicas=2 --yes
  deployed 2 shop-0.1.0
  exits 0 shop --set web.replicas=2
  says 'can be another one tomorrow'
  deployed 3 shop-0.2.0
  # The same archive at its address.
  CHART=$REPOSITORY/shop-0.2.0.tgz
  notes_only --set web.replicas=2
  end_process "$(cat "$WORK/repository.pid")"
  no_chart 'connection refused' -- --set web.replicas=2
}
