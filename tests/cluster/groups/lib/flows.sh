# A Prefect server that asks for a key, made by the first test that wants it and shared by all; and what a user does with it. Sourced by groups
# marked `# images: prefect` and `# standins: geodata`.
# shellcheck shell=bash

PREFECT_KEY=pnu_of_the_tests_alone
# Python takes its time to start, the more so when others want the processors; a bit less than a whole test may take.
PATIENCE=$((${SEAWORTHY_TEST_SECONDS:-180} - 30))

# The key, so that it is on no command line of the program.
key_file() {
  printf '%s\n' "$PREFECT_KEY" >"$WORK/key"
  printf '%s' "$WORK/key"
}

prefect_up() {
  kubectl apply -f "$CLUSTER_DIR/prefect/server.yaml" >/dev/null
  kubectl -n prefect rollout status deployment/server deployment/gate --timeout "${PATIENCE}s" >/dev/null ||
    fail "the Prefect server is not up: $(kubectl -n prefect get pod; kubectl -n prefect logs deployment/server --tail 5)"
}

# prefect METHOD PATH [JSON]: of the server's API, with the key
prefect() {
  local address
  address=$(kubectl -n prefect get pod -l app=gate --field-selector status.phase=Running -o 'jsonpath={.items[0].status.podIP}')
  curl -sS --fail-with-body --max-time 20 -X "$1" -H "Authorization: Bearer $PREFECT_KEY" -H 'Content-Type: application/json' \
    "http://$address:4200/api/$2" ${3:+--data "$3"}
}

pool() { printf 'pool-%s' "$ID"; }

# deployment [JOB-VARIABLES]: prints the id of one of the flow `ingest`, which writes a file to the volume
deployment() {
  local flow
  flow=$(prefect POST flows/ '{"name": "ingest"}' | jq -r .id)
  prefect POST deployments/ "$(jq -nc --arg name "$ID" --arg pool "$(pool)" --arg flow "$flow" --argjson variables "${1:-{\}}" '{
    name: $name, flow_id: $flow, work_pool_name: $pool, entrypoint: "ingest.py:ingest", job_variables: $variables,
    pull_steps: [{"prefect.deployments.steps.set_working_directory": {directory: "/opt/flows"}}]}')" | jq -r .id
}

# flow_run DEPLOYMENT PARAMETERS: prints its id
flow_run() {
  prefect POST "deployments/$1/create_flow_run" "$(jq -nc --argjson parameters "$2" '{parameters: $parameters, state: {type: "SCHEDULED"}}')" |
    jq -r .id
}

# state_of FLOW-RUN: TYPE
state_of() { prefect GET "flow_runs/$1" | jq -r .state.type; }

ended() { [[ $(state_of "$1") =~ ^(COMPLETED|FAILED|CRASHED|CANCELLED)$ ]]; }

# comes_to STATE FLOW-RUN [SECONDS]
comes_to() {
  eventually "${3:-$PATIENCE}" ended "$2"
  [[ $(state_of "$2") == "$1" ]] ||
    fail "the flow run is $(prefect GET "flow_runs/$2" | jq -c .state), its job: $(k describe job -l "prefect.io/flow-run-id=$2" | tail -n 15)
$(k logs -l app.kubernetes.io/component=flow-run --tail 20; k logs -l app=prefect-agent -c agent --tail 20)"
}
