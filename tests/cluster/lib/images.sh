# Images, made of static programs since nothing can be pulled; kept in the cache
# as archives.
# shellcheck shell=bash

IMAGE_NAMES=(pause busybox coredns local-path etcd)
BASE_IMAGES=(pause busybox coredns)

# image_archive NAME: prints the path of the archive, made when it is missing.
image_archive() {
  local archive=$IMAGES/$1.tar
  if [[ ! -f $archive ]]; then
    mkdir -p "$IMAGES"
    "make_image_${1//-/_}" "$archive.part.$$"
    mv "$archive.part.$$" "$archive"
  fi
  printf '%s\n' "$archive"
}

use_images() {
  SHELL_ARGS=(-busybox /bin/busybox -nettools "$TOOLS/nettools" -bash /bin/bash-static)
  IMAGES=$CACHE/images-$(printf '%s %s' "$BIN" "$TOOLS" | sha256sum | cut -c1-16)
}

is_image() { [[ " ${IMAGE_NAMES[*]} " == *" $1 "* ]]; }

make_image_pause() {
  "$TOOLS/mkimage" -o "$1" -name registry.k8s.io/pause:3.10 -file "$TOOLS/pause:/pause" -entrypoint /pause -user 65535:65535
}

make_image_busybox() {
  local tag names=()
  for tag in 1.36.1 1.36 1.35.0 1.35 latest; do names+=(-name "docker.io/library/busybox:$tag"); done
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

# standin_archives STACK...: one line a contract, of any stack or component file.
standin_archives() {
  local stack contract archive
  for stack in "$@"; do
    for contract in "$CLUSTER_DIR/standins/$stack"/*.yaml; do
      [[ -f $contract ]] || die "no contracts in standins/$stack"
      archive=$IMAGES/standin-$(cat "${contract%/*}"/* | sha256sum | cut -c1-16)-${contract##*/}.tar
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
