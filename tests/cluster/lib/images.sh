# Images, made of static programs since nothing can be pulled; kept in the cache
# as archives.
# shellcheck shell=bash

BASE_IMAGES=(pause busybox coredns)
# Those of the prerequisites that a stack may need; the first two are on every node
# that was not told to go without.
PREREQUISITE_IMAGES=(busybox local-path metrics-server metallb-controller metallb-speaker kruise-manager)
IMAGE_NAMES=(pause coredns etcd kube-scheduler prefect "${PREREQUISITE_IMAGES[@]}")

# Images of programs that are built only when one asks for them, and the module
# they come from.
declare -A LAZY_IMAGES=([metrics-server]=metrics-server [metallb-controller]=metallb [metallb-speaker]=metallb [kruise-manager]=kruise)

# image_archive NAME: prints the path of the archive, made when it is missing.
image_archive() {
  local folder archive
  folder=$(image_folder "$1") || return
  archive=$folder/$1.tar
  if [[ ! -f $archive ]]; then
    mkdir -p "$folder"
    "make_image_${1//-/_}" "$archive.part.$$" "${folder%/*}" || die "the image $1"
    mv "$archive.part.$$" "$archive"
  fi
  printf '%s\n' "$archive"
}

# A big program's image lies beside the program: it stays when ours change.
image_folder() {
  local programs=$IMAGES
  if [[ -n ${LAZY_IMAGES[$1]:-} ]]; then
    programs=$(lazy_folder "${LAZY_IMAGES[$1]}")/images-$IMAGE_FORM || return
  elif [[ $1 == prefect ]]; then
    programs=$(prefect_folder)/images-$(cat "$PREFECT_DIR"/{bin,flows}/* | sha256sum | cut -c1-8)-$IMAGE_FORM || return
  fi
  printf '%s\n' "$programs"
}

use_images() {
  SHELL_ARGS=(-busybox /bin/busybox -nettools "$TOOLS/nettools" -bash /bin/bash-static)
  IMAGE_FORM=$(hash_of "$CLUSTER_DIR/lib/images.sh" "$GO_DIR"/{mkimage,internal/image}/*.go)
  IMAGES=$CACHE/images-$(printf '%s %s %s' "$BIN" "$TOOLS" "$IMAGE_FORM" | sha256sum | cut -c1-16)
}

# images_called NAME: prints the images it stands for; fails when it is no name of ours.
images_called() {
  if [[ $1 == prerequisites ]]; then
    printf '%s\n' "${PREREQUISITE_IMAGES[@]}"
  else
    [[ " ${IMAGE_NAMES[*]} " == *" $1 "* ]] && printf '%s\n' "$1"
  fi
}

make_image_pause() {
  "$TOOLS/mkimage" -o "$1" -name registry.k8s.io/pause:3.10 -file "$TOOLS/pause:/pause" -entrypoint /pause -user 65535:65535
}

make_image_busybox() {
  local tag names=()
  for tag in 1.37.0 1.36.1 1.36 1.35.0 1.35 latest; do names+=(-name "docker.io/library/busybox:$tag"); done
  "$TOOLS/mkimage" -o "$1" "${names[@]}" "${SHELL_ARGS[@]}" -cmd sh
}

make_image_coredns() {
  "$TOOLS/mkimage" -o "$1" -name registry.k8s.io/coredns/coredns:v1.13.1 -file "$BIN/coredns:/coredns" -entrypoint /coredns
}

make_image_local_path() {
  "$TOOLS/mkimage" -o "$1" -name docker.io/rancher/local-path-provisioner:v0.0.30 "${SHELL_ARGS[@]}" \
    -file "$BIN/local-path-provisioner:/usr/bin/local-path-provisioner" -cmd local-path-provisioner
}

make_image_etcd() {
  "$TOOLS/mkimage" -o "$1" -name registry.k8s.io/etcd:3.6.4-0 -name quay.io/coreos/etcd:v3.6.4 "${SHELL_ARGS[@]}" \
    -file "$BIN/etcd:/usr/local/bin/etcd" -file "$BIN/etcdctl:/usr/local/bin/etcdctl" \
    -file "$BIN/etcdutl:/usr/local/bin/etcdutl" -cmd etcd \
    -env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
}

# As the official one has it: the program on PATH, started by naming it.
make_image_kube_scheduler() {
  "$TOOLS/mkimage" -o "$1" -name "registry.k8s.io/kube-scheduler:$(cat "$BIN/VERSION")" \
    -file "$BIN/kube-scheduler:/usr/local/bin/kube-scheduler" -env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
}

# make_controller ARCHIVE NAME TAG,OLDER-TAG PROGRAM PATH [ARGUMENT...]: an image
# with what a controller sees of its official one: the program at PATH and a place
# for temporary files. Under the older tag it is the same program: for manifests of
# that version, which are to be brought to the newer one.
make_controller() {
  "$TOOLS/mkimage" -o "$1" -name "$2:${3%,*}" -name "$2:${3#*,}" -file "$4:$5" -open /tmp -entrypoint "$5" "${@:6}"
}

make_image_metrics_server() {
  make_controller "$1" registry.k8s.io/metrics-server/metrics-server v0.9.0,v0.7.0 "$2/metrics-server" /metrics-server -user 65534
}

make_image_metallb_controller() { make_controller "$1" quay.io/metallb/controller v0.16.1,v0.15.3 "$2/controller" /controller; }

make_image_metallb_speaker() { make_controller "$1" quay.io/metallb/speaker v0.16.1,v0.15.3 "$2/speaker" /speaker; }

# It does not start when it cannot write to /log.
make_image_kruise_manager() {
  make_controller "$1" docker.io/openkruise/kruise-manager v1.8.3,v1.5.2 "$2/kruise" /manager -open /log
}

# standin_archives STACK...: one line a contract, of any stack or component file.
standin_archives() {
  local stack contract archive
  for stack in "$@"; do
    for contract in "$CLUSTER_DIR/standins/$stack"/*.yaml; do
      [[ -f $contract ]] || die "no contracts in standins/$stack"
      archive=$IMAGES/standin-$(find "${contract%/*}" -type f -print0 | sort -z | xargs -0 cat | sha256sum | cut -c1-16)-${contract##*/}.tar
      if [[ ! -f $archive ]]; then
        mkdir -p "$IMAGES"
        "$TOOLS/mkimage" -o "$archive.part.$$" -contract "$contract" -standin "$TOOLS/standin" \
          "${SHELL_ARGS[@]}" || die "the stand-in of $contract"
        mv "$archive.part.$$" "$archive"
      fi
      printf '%s\n' "$archive"
    done
  done
}

# load_archives NODE ARCHIVE...
load_archives() {
  local node=$1 archive
  shift
  for archive in "$@"; do
    ctr_of "$node" images import "$archive" >>"$LOGS/images.log" 2>&1 || {
      show_tail "$LOGS/images.log"
      die "import of $archive on $node"
    }
  done
}

# load_everywhere ARCHIVE...
load_everywhere() {
  local node
  [[ -d $DIR/nodes ]] || die "$NAME is not up"
  for node in "$DIR"/nodes/*; do load_archives "${node##*/}" "$@"; done
}
