# The image of a node of kind, made here: Debian with systemd and containerd, the parts of Kubernetes, and the images of the
# control plane in its containerd. What kind wants to find in it is told by kind v0.33 (images/base, pkg/build/nodeimage).
# shellcheck shell=bash

NODE_ROOT=$CLUSTER_DIR/kind/root
# pgrep is used by kind itself, jq and curl are for whoever looks into a node.
NODE_PACKAGES=(systemd systemd-sysv containerd runc containernetworking-plugins iptables nftables conntrack iproute2 ethtool
  socat mount util-linux kmod procps jq curl ca-certificates)
KINDNET_IMAGE=docker.io/kindest/kindnetd:v20261120-seaworthy
# Tags as kind's own have them: no versions.
STORAGE_IMAGE=docker.io/kindest/local-path-provisioner:v20261120-seaworthy
HELPER_IMAGE=docker.io/kindest/local-path-helper:v20261120-seaworthy

# node_archive: prints the path of the image's archive; beside it are its NAME and, as engines call it, its ID.
node_archive() {
  local folder
  ensure_packages mmdebstrap:mmdebstrap
  folder=$CACHE/kindnode-$(node_hash)
  build_once "$folder" build_node || return
  printf '%s\n' "$folder/node.tar"
}

# Of what it is made; the harness' other programs may change without it.
node_hash() {
  {
    printf '%s\n' "$BIN" "${NODE_PACKAGES[@]}"
    find "$NODE_ROOT" -type f -printf '%P %m\n' | sort
    find "$NODE_ROOT" -type f | sort | xargs cat
    cat "$CLUSTER_DIR/lib/kindnode.sh" "$CLUSTER_DIR/manifests/local-path.yaml" "$GO_DIR"/{kubeadm,crictl}/go.mod
    find "$GO_DIR/kindnet" -name '*.go' ! -name '*_test.go' | sort | xargs cat
    cat "$TOOLS"/{mkimage,pause,nettools}
  } | sha256sum | cut -c1-16
}

build_node() {
  local out=$1 root=$1/root version
  version=$(cat "$BIN/VERSION")
  say "making the image of a node of kind, Kubernetes $version"
  debian_root "$root"
  add_programs "$root" "$version"
  add_settings "$root" "$version"
  add_images "$out" "$version"
  pack_node "$out" "docker.io/kindest/node:$version"
}

# pack_node FOLDER NAME: FOLDER/root becomes an archive as `docker save` writes it, of one layer.
pack_node() {
  local out=$1 layer=$1/layer.tar sum
  tar -C "$out/root" --numeric-owner --sort=name --exclude './dev/*' -cf "$layer" .
  rm -rf "$out/root"
  sum=$(sha256sum "$layer" | cut -d' ' -f1)
  # systemd looks for the variable to know that it is in a container, and takes the signal as the order to shut down.
  jq -n --arg sum "sha256:$sum" '{architecture: "amd64", os: "linux", created: "1970-01-01T00:00:00Z",
    config: {Entrypoint: ["/usr/local/bin/entrypoint", "/sbin/init"], StopSignal: "SIGRTMIN+3",
      Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "container=docker"]},
    rootfs: {type: "layers", diff_ids: [$sum]}}' >"$out/config.json"
  jq -n --arg name "$2" '[{Config: "config.json", RepoTags: [$name], Layers: ["layer.tar"]}]' >"$out/manifest.json"
  tar -C "$out" -cf "$out/node.tar" manifest.json config.json layer.tar
  sha256sum "$out/config.json" | cut -d' ' -f1 >"$out/ID"
  rm "$layer" "$out"/{config,manifest}.json
  printf '%s\n' "${2#docker.io/}" >"$out/NAME"
}

# debian_root FOLDER: unpacks it there; downloaded once a list of packages.
debian_root() {
  local folder
  folder=$CACHE/debian-$(printf '%s\n' "${NODE_PACKAGES[@]}" | sha256sum | cut -c1-16)
  build_once "$folder" build_debian
  mkdir "$1"
  tar -C "$1" -xpf "$folder/root.tar"
}

build_debian() { debian_with "$1" "${NODE_PACKAGES[@]}"; }

add_programs() {
  local folder
  install "$BIN"/{kubelet,kubectl} "$1/usr/bin/"
  folder=$(node_tool kubeadm "$2")
  install "$folder/kubeadm" "$1/usr/bin/"
  folder=$(lazy_folder crictl)
  install "$folder/crictl" "$1/usr/bin/"
}

# node_tool kubeadm|kindnet|kindbalancer VERSION: the folder of a program that nothing but kind needs.
node_tool() {
  local folder sources
  mapfile -t sources < <(find "$GO_DIR/$1" -type f ! -name '*_test.go' | sort)
  [[ $1 == kubeadm ]] || sources+=("$GO_DIR"/go.{mod,sum})
  folder=$CACHE/$1-$(hash_of "${sources[@]}")
  NODE_VERSION=$2 build_once "$folder" "build_$1"
  printf '%s\n' "$folder"
}

build_kubeadm() { go_build "$GO_DIR/kubeadm" "$1" "$(version_flags "$NODE_VERSION")" tool; }

build_kindnet() { go_build "$GO_DIR" "$1" "" ./kindnet; }

build_kindbalancer() { go_build "$GO_DIR" "$1" "" ./kindbalancer; }

add_settings() {
  local root=$1 pause
  pause=$(image_names "$2" | grep /pause:)
  cp -r "$NODE_ROOT/." "$root/"
  printf %s "$2" >"$root/kind/version"
  sed -i "s|@PAUSE@|$pause|" "$root/etc/containerd/config.toml"
  sed -i "s|@KINDNET@|$KINDNET_IMAGE|" "$root/kind/manifests/default-cni.yaml"
  storage_manifest >"$root/kind/manifests/default-storage.yaml"
  mkdir -p "$root/etc/kubernetes/manifests" "$root/opt/cni" "$root/lib/modules"
  ln -s /usr/lib/cni "$root/opt/cni/bin"
  choose_units "$root"
}

# The harness' own, under kind's names.
storage_manifest() {
  sed -e "s|docker.io/rancher/local-path-provisioner:.*|$STORAGE_IMAGE|" -e "s|docker.io/library/busybox:.*|$HELPER_IMAGE|" \
    -e '/^kind: StorageClass/,/^---/s|name: local-path|name: standard|' -e 's|/opt/local-path-provisioner|/var/local-path-provisioner|' \
    "$CLUSTER_DIR/manifests/local-path.yaml"
}

# Only what a node needs: no consoles, no hardware, and /tmp is the engine's.
choose_units() {
  local units=$1/lib/systemd/system
  rm -f "$units"/multi-user.target.wants/* "$1"/etc/systemd/system/*.wants/* "$units"/local-fs.target.wants/* \
    "$units"/sockets.target.wants/*{udev,initctl}* "$units/sysinit.target.wants/systemd-tmpfiles-setup.service"
  systemctl --quiet --root="$1" enable containerd.service kubelet.service
  systemctl --quiet --root="$1" set-default multi-user.target
  # It would write into what all of the machine shares.
  systemctl --quiet --root="$1" mask systemd-binfmt.service
}

# image_names VERSION: what kubeadm will ask for.
image_names() { "$(node_tool kubeadm "$1")/kubeadm" config images list --kubernetes-version "$1" 2>/dev/null; }

# add_images FOLDER VERSION: into the containerd of FOLDER/root, compressed and packed: every node has a copy of them, and
# unpacks only what it runs.
add_images() {
  local out=$1 name DIR=$1/work LOGS=$1/work
  mkdir -p "$DIR/images"
  stage_firewall "$out/root" "$DIR/firewall"
  for name in $(image_names "$2") "$KINDNET_IMAGE" "$STORAGE_IMAGE" "$HELPER_IMAGE"; do make_node_image "$name" "$2"; done
  import_images "$out/root/var/lib/containerd"
  rm -rf "$DIR"
}

# make_node_image NAME VERSION
make_node_image() {
  local program=${1##*/} arguments=()
  program=${program%:*}
  case $program in
    pause) arguments=(-file "$TOOLS/pause:/pause" -entrypoint /pause -user 65535:65535) ;;
    etcd)
      arguments=("${SHELL_ARGS[@]}" -file "$BIN/etcd:/usr/local/bin/etcd" -file "$BIN/etcdctl:/usr/local/bin/etcdctl"
        -file "$BIN/etcdutl:/usr/local/bin/etcdutl")
      ;;
    coredns) arguments=(-file "$BIN/coredns:/coredns" -entrypoint /coredns) ;;
    kube-proxy) arguments=(-folder "$DIR/firewall" -file "$BIN/kube-proxy:/usr/local/bin/kube-proxy") ;;
    kindnetd) arguments=(-folder "$DIR/firewall" -file "$(node_tool kindnet "$2")/kindnet:/bin/kindnetd" -entrypoint /bin/kindnetd) ;;
    local-path-provisioner) arguments=("${SHELL_ARGS[@]}" -file "$BIN/local-path-provisioner:/usr/bin/local-path-provisioner") ;;
    local-path-helper) arguments=("${SHELL_ARGS[@]}") ;;
    *) arguments=(-file "$BIN/$program:/usr/local/bin/$program") ;;
  esac
  "$TOOLS/mkimage" -o "$DIR/images/$program.tar" -name "$1" "${arguments[@]}" \
    -env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin || die "the image $1"
}

# stage_firewall ROOT FOLDER: Debian's programs for the kernel's tables, from ROOT, and the libraries they need: what an image
# without Debian lacks. In it, iptables is the variant that writes nftables.
stage_firewall() {
  local root=$1 to=$2 file name
  local extensions=/usr/lib/x86_64-linux-gnu/xtables programs=(/usr/sbin/{xtables-nft-multi,nft,conntrack})
  mkdir -p "$to$extensions"
  cp "$root$extensions"/*.so "$to$extensions/"
  for file in "${programs[@]}" $(chroot "$root" sh -c "ldd ${programs[*]} $extensions/*.so" | grep -o '/[^ :]*' | sort -u); do
    install -D "$root$file" "$to$file"
  done
  for name in ip{,6}tables{,-save,-restore}; do ln -s xtables-nft-multi "$to/usr/sbin/$name"; done
  mkdir -p "$to/run" "$to/tmp"
}

# import_images FOLDER: the archives in $DIR/images, by a containerd of this machine that works in FOLDER.
import_images() (
  # It must not outlive a build that is interrupted.
  trap 'stop_process containerd' EXIT
  cat >"$DIR/containerd.toml" <<EOF
version = 2
root = "$1"
state = "$DIR/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "$DIR/containerd.sock"
EOF
  start_process containerd containerd --config "$DIR/containerd.toml"
  wait_for 20 "containerd" "$LOGS/containerd.log" ctr --address "$DIR/containerd.sock" version
  local archive
  for archive in "$DIR/images"/*; do
    ctr --address "$DIR/containerd.sock" --namespace k8s.io images import --all-platforms --no-unpack --compress-blobs "$archive" \
      >>"$LOGS/import.log" 2>&1 || {
      show_tail "$LOGS/import.log"
      die "import of $archive"
    }
  done
)

# What kind v0.33 puts in front of several control planes (pkg/cluster/internal/loadbalancer).
BALANCER_IMAGE=docker.io/envoyproxy/envoy:v1.36.2

# balancer_archive: prints the path of a stand-in's archive.
balancer_archive() {
  local folder archive
  folder=$(node_tool kindbalancer "") || return
  archive=$folder/image-$IMAGE_FORM.tar
  if [[ ! -f $archive ]]; then
    "$TOOLS/mkimage" -o "$archive.part.$$" -name "$BALANCER_IMAGE" "${SHELL_ARGS[@]}" -file "$folder/kindbalancer:/usr/local/bin/envoy" \
      -env PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin || die "the image $BALANCER_IMAGE"
    mv "$archive.part.$$" "$archive"
  fi
  printf '%s\n' "$archive"
}
