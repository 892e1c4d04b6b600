# Each stack in its profile single-node, on one node, with strict stand-ins: refused without its settings, installed from nothing, installed again without
# a write, changed in one value, looked at with its document's commands, and taken away but for what it said. What is expected is in pairs.tsv and
# seeds.tsv; the figures are a table (`SEAWORTHY_TEST_FIGURES`).
# seaworthy
# images: etcd kube-scheduler prefect
# standins: distributed-notebook exadeploy geodata newton-v2t telemetry-pipeline
# shellcheck shell=bash
# shellcheck source=tests/cluster/lib/seaworthy.sh
. "$CLUSTER_DIR/lib/seaworthy.sh"
# shellcheck source=tests/cluster/groups/lib/pairs.sh
. "$CLUSTER_DIR/groups/lib/pairs.sh"

test_distributed_notebook() { pair distributed-notebook single-node; }

test_exadeploy() { pair exadeploy single-node; }

test_geodata() { pair geodata single-node; }

test_newton_v2t() { pair newton-v2t single-node; }

test_telemetry_pipeline() { pair telemetry-pipeline single-node; }
