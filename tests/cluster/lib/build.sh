# Go programs, built once and kept in the cache under the hash of what they are
# made of. Sets BIN (the cluster's parts) and TOOLS (the harness' own programs).
# shellcheck shell=bash

GO_DIR=$CLUSTER_DIR/go

build_all() {
  local sources
  command -v go >/dev/null || die "go is not on PATH"
  BIN=$CACHE/bin-$(hash_of "$GO_DIR"/{go.mod,go.sum,coredns/main.go,local-path/go.mod})
  mapfile -t sources < <(own_sources)
  TOOLS=$CACHE/tools-$(hash_of "$GO_DIR/go.mod" "${sources[@]}")
  export BIN TOOLS
  build_once "$BIN" build_parts
  build_once "$TOOLS" build_tools
  export PATH=$BIN:$PATH
}

hash_of() { (go version && cat "$@") | sha256sum | cut -c1-16; }

own_sources() {
  find "$GO_DIR" -name '*.go' ! -path '*/local-path/*' ! -path '*/csi/*' ! -path '*/kindnet/*' ! -path '*/kindbalancer/*' ! -name '*_test.go' | sort
}

# build_once FOLDER FUNCTION: the folder appears only when everything is in it.
build_once() {
  [[ ! -d $1 ]] || return 0
  mkdir -p "$CACHE"
  (
    flock 8
    [[ ! -d $1 ]] || exit 0
    rm -rf "$1.part"
    mkdir -p "$1.part"
    local began=$EPOCHREALTIME
    "$2" "$1.part"
    mv "$1.part" "$1"
    say "built ${1##*/} in $(seconds_since "$began") s"
  ) 8>"$1.lock"
}

build_parts() {
  say "building Kubernetes, etcd and CoreDNS from their Go modules (minutes, once)"
  local version flags
  version=$(cd "$GO_DIR" && go list -m -f '{{.Version}}' k8s.io/kubernetes)
  flags=$(version_flags "$version")
  go_build "$GO_DIR" "$1" "$flags" tool ./coredns
  mv "$1/server" "$1/etcd"
  go_build "$GO_DIR/local-path" "$1" "$flags" tool
  printf '%s\n' "$version" >"$1/VERSION"
}

build_tools() { go_build "$GO_DIR" "$1" "" ./pki ./mkimage ./pause ./nettools ./standin ./apiproxy; }

# go_build FOLDER OUT LDFLAGS PACKAGE...: static, and the same wherever it is built.
go_build() {
  local folder=$1 out=$2 flags=$3
  shift 3
  (cd "$folder" && CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w $flags" -o "$out/" "$@") ||
    die "go build $*"
}

# The server reports these, and clients decide by them.
version_flags() {
  local major minor package
  major=${1#v} major=${major%%.*}
  minor=${1#v*.} minor=${minor%%.*}
  for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    printf -- '-X %s.gitVersion=%s -X %s.gitMajor=%s -X %s.gitMinor=%s ' \
      "$package" "$1" "$package" "$major" "$package" "$minor"
  done
}

# Built only for those who ask, each from a module of its own: their versions of
# the Kubernetes libraries differ from the cluster's.
LAZY_TOOLS=(helm helm3 kwok kind popeye registry)

tool_path() {
  local folder
  if [[ " ${LAZY_TOOLS[*]} " == *" $1 "* ]]; then
    folder=$(lazy_folder "$1")
    printf '%s\n' "$folder/$(program_of "$1")"
    return
  fi
  build_all
  for folder in "$BIN" "$TOOLS"; do
    [[ ! -x $folder/$1 ]] || { printf '%s\n' "$folder/$1" && return; }
  done
  die "no tool is named $1"
}

# program_of TOOL: a tool that is there in two generations has one name, by which a PATH finds it.
program_of() { printf '%s\n' "${1%3}"; }

# lazy_folder MODULE: prints the folder of its programs, built when it is missing.
lazy_folder() {
  local folder sources
  mapfile -t sources < <(find "$GO_DIR/$1" -name '*.go' ! -name '*_test.go' | sort)
  folder=$CACHE/$1-$(hash_of "$GO_DIR/$1"/go.{mod,sum} "${sources[@]}")
  build_once "$folder" build_lazy || return
  printf '%s\n' "$folder"
}

# build_lazy FOLDER: the folder's name is the module's, a dash and a hash.
build_lazy() {
  local module=${1##*/}
  module=${module%-*}
  say "building $module from its Go modules (minutes, once)"
  go_build "$GO_DIR/$module" "$1" "" tool
}
