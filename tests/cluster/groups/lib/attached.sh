# Volumes that one node at a time may have, as those of a network: the driver netvolume on every node and csi-attacher,
# ordinary processes, and a Deployment with such a volume. Sourced before lost.sh, which has a function of the same name
# as one of process.sh.
# shellcheck shell=bash
# shellcheck source=tests/cluster/lib/build.sh
. "$CLUSTER_DIR/lib/build.sh"
# shellcheck source=tests/cluster/lib/process.sh
. "$CLUSTER_DIR/lib/process.sh"
# shellcheck source=tests/cluster/lib/node.sh
. "$CLUSTER_DIR/lib/node.sh"

DRIVER=network.seaworthy.test

# network_volumes: all that is needed for them. /tmp is the same on every node, so the store of a test is.
network_volumes() {
  local node within=()
  PROGRAMS=$(lazy_folder csi)
  STORE=$WORK/store
  mkdir -p "$STORE/$ID"
  # Where a volume is a file system of its own it is mounted on one node only, and whoever enlarges it has to see it.
  [[ -z ${DISK:-} ]] || within=(nsenter --target "$(node_pid "$DISK")" --mount)
  kubectl create -f - >/dev/null <<END
{apiVersion: storage.k8s.io/v1, kind: CSIDriver, metadata: {name: $DRIVER}, spec: {attachRequired: true, podInfoOnMount: false}}
END
  running controller "${within[@]}" "$PROGRAMS/netvolume" -controller -store "$STORE" -socket "$WORK/csi.sock"
  eventually 20 test -S "$WORK/csi.sock"
  running resizer "$PROGRAMS/csi-resizer" --kubeconfig "$KUBECONFIG" --csi-address "$WORK/csi.sock" --handle-volume-inuse-error=false
  running attacher "$PROGRAMS/csi-attacher" --kubeconfig "$KUBECONFIG" --csi-address "$WORK/csi.sock"
  for node in $(kubectl get node -o 'jsonpath={.items[*].metadata.name}'); do driver_on "$node"; done
}

# running NAME COMMAND...: until the test ends; its output is in $WORK/NAME.log.
running() {
  "${@:2}" >"$WORK/$1.log" 2>&1 &
  printf '%s\n' $! >"$WORK/$1.pid"
}

# driver_on NODE: within the node, and gone with it.
driver_on() {
  local kubelet=/var/lib/kubelet pid
  pid=$(node_pid "$1")
  mkdir -p "$(node_dir "$1")/kubelet/plugins/$DRIVER"
  running "driver-$1" nsenter --target "$pid" --mount --net --uts --ipc --pid setpriv --pdeathsig KILL "$PROGRAMS/netvolume" \
    -store "$STORE" -socket "$kubelet/plugins/$DRIVER/csi.sock" -node "$1" -register "$kubelet/plugins_registry/$DRIVER-reg.sock"
  eventually 60 knows_driver "$1"
}

knows_driver() { kubectl get csinode "$1" -o json | jq -e --arg name "$DRIVER" '.spec.drivers[]? | select(.name == $name)' >/dev/null; }

# a_post: a Deployment whose pod is soon given up when its node is silent, and the volume that it writes to.
a_post() {
  kubectl create namespace "$NAMESPACE" >/dev/null
  eventually 20 k get serviceaccount default
  k create -f - >/dev/null <<END
apiVersion: v1
kind: PersistentVolume
metadata: {name: net-$ID}
spec:
  capacity: {storage: 16Mi}
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Delete
  storageClassName: ""
  csi: {driver: $DRIVER, volumeHandle: $ID}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: post}
spec:
  accessModes: [ReadWriteOnce]
  storageClassName: ""
  volumeName: net-$ID
  resources: {requests: {storage: 16Mi}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: post}
spec:
  selector: {matchLabels: {app: post}}
  template:
    metadata: {labels: {app: post}}
    spec:
      terminationGracePeriodSeconds: 1
      tolerations:
        - {key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 10}
        - {key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute, tolerationSeconds: 10}
      containers:
        - name: main
          image: $BUSYBOX
          command: [sh, -c, 'while :; do sleep 1; done']
          volumeMounts: [{name: data, mountPath: /data}]
      volumes: [{name: data, persistentVolumeClaim: {claimName: post}}]
END
  k wait --for=condition=Available deployment/post --timeout=120s >/dev/null || fail "$(k describe pod | tail -n 20; tail -n 20 "$WORK"/*.log)"
}

# No pod goes without the driver that unmounts its volume; so it goes first.
end_of_network_volumes() {
  [[ -n ${STORE:-} ]] || return 0
  kubectl delete namespace "$NAMESPACE" --timeout=60s >/dev/null 2>&1 || true
  kubectl patch pv "net-$ID" --type merge -p '{"metadata":{"finalizers":null}}' >/dev/null 2>&1 || true
  kubectl delete "pv/net-$ID" "csidriver/$DRIVER" --wait=false >/dev/null 2>&1 || true
}

owner() { cat "$STORE/$ID.attached"; }

in_post() { k exec "$(pod_of_post)" -- "$@" 2>"$WORK/exec.err" || fail "in post, $*: $(cat "$WORK/exec.err")"; }

pod_of_post() { k get pod -l app=post -o json | jq -r '[.items[] | select(.metadata.deletionTimestamp == null)][0].metadata.name'; }
