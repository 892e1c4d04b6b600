# Images of a private registry: who may pull is known before the first write, and pods pull with the login that was given once.
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
