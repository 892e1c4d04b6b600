# What newton-v2t with stand-ins and a real etcd answers, asked as a user would. Sourced by the groups that install it.
# shellcheck shell=bash

# api PATH [CURL-ARGUMENT...]: of Core, by way of the dashboard, as a user would
api() {
  local path=$1
  shift
  curl -sS --max-time 10 "$@" "http://$(k get pod -l app.kubernetes.io/component=dashboard -o 'jsonpath={.items[0].status.podIP}'):8080/api/v1/$path"
}

field() { api "$1" | jq -r "$2"; }

is_field() { [[ $(field "$1" "$2") == "$3" ]]; }

status_of() { api "$1" -o /dev/null -w '%{http_code}' "${@:2}"; }

works() { [[ $(status_of requests -d hello) == 200 ]]; }

refuses() { [[ $(status_of requests -d hello) == 503 ]]; }

imported() { is_field import .finished true; }
