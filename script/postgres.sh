# A throw-away PostgreSQL for scripts: unsynced, unprivileged, on a Unix socket of its own. Sourced by the other scripts,
# after prerequisites.sh.

# Runs a command as a user whom PostgreSQL accepts: oneself, or for root somebody lesser.
unprivileged() {
  if [ "$(id -u)" = 0 ]; then
    local user=postgres
    id -u "$user" >/dev/null 2>&1 || user=nobody
    setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups --inh-caps=-all "$@"
  else
    "$@"
  fi
}

# Starts (after creating it, if need be) the server in the folder $1, which must be short and open to everybody on the
# way. Sets DATABASE_URL to its database $2, which is created if need be.
postgres_start() {
  local dir=$1 database=$2 bin
  bin=$(postgres_bin pg_ctl psql)
  mkdir -p "$dir"
  chmod 711 "$dir"
  for sub in data socket; do
    [ -d "$dir/$sub" ] || { mkdir -m 700 "$dir/$sub"; [ "$(id -u)" != 0 ] || chown "$(unprivileged id -u)" "$dir/$sub"; }
  done
  (
    cd /
    [ -n "$(unprivileged ls -A "$dir/data")" ] ||
      unprivileged "$bin/initdb" -D "$dir/data" -U postgres -E UTF8 --locale C.UTF-8 --auth trust --no-instructions \
        --no-sync >/dev/null
    unprivileged "$bin/pg_ctl" status -D "$dir/data" >/dev/null 2>&1 ||
      unprivileged "$bin/pg_ctl" start -w -s -D "$dir/data" -l "$dir/data/log" -o "-c listen_addresses= \
        -c unix_socket_directories=$dir/socket -c fsync=off -c full_page_writes=off -c synchronous_commit=off \
        -c jit=off" </dev/null
    [ "$(unprivileged "$bin/psql" -h "$dir/socket" -U postgres -tAc \
      "SELECT 1 FROM pg_database WHERE datname = '$database'")" = 1 ] ||
      unprivileged "$bin/psql" -h "$dir/socket" -U postgres -X -q -c "CREATE DATABASE $database"
  )
  # sqlx opens the socket as whoever runs cargo: root may, and so may its owner.
  export DATABASE_URL="postgres:///$database?host=$dir/socket&user=postgres"
}

postgres_stop() {
  local bin
  bin=$(postgres_bin pg_ctl psql)
  (cd / && unprivileged "$bin/pg_ctl" stop -s -m fast -D "$1/data") || true
}

# Applies the migration files to the empty database $2 of the server in $1.
postgres_migrate() {
  local bin file
  bin=$(postgres_bin pg_ctl psql)
  for file in crates/migrations/sql/*.sql; do
    (cd / && unprivileged "$bin/psql" -h "$1/socket" -U postgres -d "$2" -X -q -1 -v ON_ERROR_STOP=1) \
      <"$file" >/dev/null || {
      say "$file does not apply."
      return 1
    }
  done
}

# Makes the database $2 of the server in $1 anew and migrates it.
postgres_remake() {
  local bin
  bin=$(postgres_bin pg_ctl psql)
  (cd / && unprivileged "$bin/psql" -h "$1/socket" -U postgres -d postgres -X -q -v ON_ERROR_STOP=1 \
    -c "DROP DATABASE IF EXISTS $2 WITH (FORCE)" -c "CREATE DATABASE $2")
  postgres_migrate "$1" "$2"
}
