# An image with the real Prefect in it, server and worker alike, and with a flow: Debian's Python and what requirements.txt pins.
# shellcheck shell=bash

PREFECT_DIR=$CLUSTER_DIR/prefect
PREFECT_PACKAGES=(python3)

prefect_folder() {
  local folder
  ensure_packages mmdebstrap:mmdebstrap /usr/bin/python3:python3 /usr/lib/python3/dist-packages/pip:python3-pip gcc:gcc
  folder=$CACHE/prefect-$(cat "$CLUSTER_DIR/lib/prefect.sh" "$PREFECT_DIR/requirements.txt" | sha256sum | cut -c1-16)
  build_once "$folder" build_prefect || return
  printf '%s\n' "$folder"
}

# build_prefect FOLDER: its `root` becomes the image. Compiled beforehand,
# because whoever runs it may not write there, and whatever the files' times are, because an image here has none.
build_prefect() {
  local root=$1/root
  say "making Prefect's image (a minute or two, once)"
  mkdir "$root"
  debian_with "$1" "${PREFECT_PACKAGES[@]}"
  tar -C "$root" --exclude './dev/*' -xf "$1/root.tar"
  rm "$1/root.tar"
  /usr/bin/python3 -m pip install -q --no-deps --no-compile --target "$root/usr/local/lib/python3.11/dist-packages" \
    -r "$PREFECT_DIR/requirements.txt" >"$1/log" 2>&1 || {
    show_tail "$1/log"
    die "pip install"
  }
  chroot "$root" python3 -m compileall -q --invalidation-mode unchecked-hash /usr/local/lib/python3.11/dist-packages >"$1/log" 2>&1 || {
    show_tail "$1/log"
    die "compileall"
  }
  ln -s /usr/bin/python3 "$root/usr/local/bin/python"
  mkdir -p "$root/opt/prefect"
}

# Under the names that the stack has by default, for workers and for jobs.
make_image_prefect() {
  "$TOOLS/mkimage" -o "$1" -name docker.io/prefecthq/prefect:2.19.6-python3.10-kubernetes -name ghcr.io/aiddata/geo-datasets:latest \
    -folder "$2/root" \
    -file "$PREFECT_DIR/bin/prefect:/usr/local/bin/prefect" -file "$PREFECT_DIR/flows/ingest.py:/opt/flows/ingest.py" -open /tmp -workdir /opt/prefect -cmd prefect \
    -env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin -env LANG=C.UTF-8
}
