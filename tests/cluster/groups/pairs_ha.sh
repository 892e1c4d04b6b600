# Each stack in its profile ha, on three nodes: see pairs.sh. Volumes that several nodes write to come from a class of the operator's, whose
# folder all nodes of this machine have.
# seaworthy
# nodes: 3
# images: prerequisites etcd kube-scheduler prefect
# standins: distributed-notebook exadeploy geodata newton-v2t telemetry-pipeline
# shellcheck shell=bash
# shellcheck source=tests/cluster/lib/seaworthy.sh
. "$CLUSTER_DIR/lib/seaworthy.sh"
# shellcheck source=tests/cluster/groups/lib/pairs.sh
. "$CLUSTER_DIR/groups/lib/pairs.sh"

test_distributed_notebook_ha() { pair distributed-notebook ha; }

test_exadeploy_ha() { pair exadeploy ha; }

test_geodata_ha() { pair geodata ha; }

test_newton_v2t_ha() { pair newton-v2t ha; }

test_telemetry_pipeline_ha() { pair telemetry-pipeline ha; }
