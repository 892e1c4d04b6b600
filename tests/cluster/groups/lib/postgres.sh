# A real PostgreSQL on this machine, for pods to reach as they would one of somebody else's: it is no part of the cluster.
# shellcheck shell=bash
# shellcheck source=tests/cluster/lib/packages.sh
. "$CLUSTER_DIR/lib/packages.sh"

# start_postgres DATABASE USER PASSWORD [encrypted]: sets PG_HOST and PG_PORT. With `encrypted` it takes no other connections, and its
# certificate is $WORK/pg.pem. Ended by `end`, as everything with a $WORK/*.pid.
start_postgres() {
  local bin folder=$WORK/postgres
  ensure_packages /usr/lib/postgresql:postgresql /usr/bin/psql:postgresql-client openssl:openssl
  bin=$(find /usr/lib/postgresql -path '*/bin/initdb' | sort | tail -n 1)
  bin=${bin%/*}
  # This machine is the first of the nodes' network.
  PG_HOST=$(kubectl get node -o 'jsonpath={.items[0].status.addresses[?(@.type=="InternalIP")].address}' | sed -E 's/[0-9]+$/1/')
  chmod 0711 "$WORK"
  mkdir "$folder"
  chown postgres:postgres "$folder"
  as_postgres "$bin/initdb" --auth-local trust --auth-host scram-sha-256 -D "$folder/data" >"$WORK/postgres.log" 2>&1 || fail "$(cat "$WORK/postgres.log")"
  PG_OPTIONS=(-D "$folder/data" -k "$folder" -h "$PG_HOST" -c fsync=off)
  [[ -z ${4:-} ]] || encrypt_postgres "$folder"
  printf '%s all all 0.0.0.0/0 scram-sha-256\n' "${4:+hostssl}" | sed 's/^ /host /' >>"$folder/data/pg_hba.conf"
  run_postgres "$bin/postgres"
  as_postgres psql -q -h "$folder" -p "$PG_PORT" -v ON_ERROR_STOP=1 postgres >>"$WORK/postgres.log" 2>&1 <<END || fail "$(cat "$WORK/postgres.log")"
CREATE ROLE $2 LOGIN PASSWORD '$3';
CREATE DATABASE $1 OWNER $2;
END
}

as_postgres() { setpriv --reuid postgres --regid postgres --init-groups --inh-caps=-all "$@"; }

encrypt_postgres() {
  openssl req -x509 -nodes -newkey rsa:2048 -days 2 -subj /CN=postgres.test -addext "subjectAltName=IP:$PG_HOST" \
    -keyout "$1/server.key" -out "$WORK/pg.pem" >>"$WORK/postgres.log" 2>&1
  cp "$WORK/pg.pem" "$1/server.crt"
  chown postgres:postgres "$1"/server.{key,crt}
  chmod 0600 "$1/server.key"
  PG_OPTIONS+=(-c ssl=on -c "ssl_cert_file=$1/server.crt" -c "ssl_key_file=$1/server.key")
}

# run_postgres PROGRAM: at a port that nobody has; another one is tried when somebody was quicker.
run_postgres() {
  local attempt
  for attempt in 1 2 3 4 5; do
    PG_PORT=$((15000 + RANDOM % 4000))
    as_postgres "$1" "${PG_OPTIONS[@]}" -p "$PG_PORT" >>"$WORK/postgres.log" 2>&1 &
    printf '%s\n' $! >"$WORK/postgres.pid"
    if eventually_or_ended 20 $! as_postgres psql -q -h "$WORK/postgres" -p "$PG_PORT" -c 'SELECT 1' postgres; then return; fi
    say "PostgreSQL did not start, attempt $attempt"
  done
  fail "$(tail -n 20 "$WORK/postgres.log")"
}

# eventually_or_ended SECONDS PID COMMAND...: fails as soon as the process has ended.
eventually_or_ended() {
  local deadline=$((SECONDS + $1)) pid=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    if ((SECONDS >= deadline)) || ! kill -0 "$pid" 2>/dev/null; then return 1; fi
    sleep 0.2
  done
}

# postgres_says QUERY [DATABASE]
postgres_says() { as_postgres psql -qAt -h "$WORK/postgres" -p "$PG_PORT" -c "$1" "${2:-exadeploy}"; }
