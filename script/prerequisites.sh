# What must be on the machine before anything of ours can be built or run. Sourced by the other scripts.
#
# `ensure_prerequisites` looks for a C compiler (Rust links with it), PostgreSQL's server programs (15 or later) and
# Python (3.11 or later); called with `tests`, or where everything is checked (CI is set), for nats-server too. What is missing it
# installs with apt where it may, and otherwise says what to install.

say() { printf '%s\n' "$*" >&2; }

have() { command -v "$1" >/dev/null 2>&1; }

# The folder with PostgreSQL's newest programs of version 15 or later; empty when there is none. Arguments are programs
# that it must hold besides the server's own.
postgres_bin() {
  local dir program version best='' best_version=14
  for dir in $(dirname "$(command -v postgres 2>/dev/null || echo /nonexistent/postgres)") \
    /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/libexec/postgresql* /usr/local/pgsql/bin; do
    for program in postgres initdb "$@"; do
      [ -x "$dir/$program" ] || continue 2
    done
    version=$("$dir/postgres" --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/')
    if [ "${version:-0}" -gt "$best_version" ]; then
      best=$dir best_version=$version
    fi
  done
  printf '%s' "$best"
}

# A Python new enough for the jail (its -P keeps a script's folder off the path). Root's jail runs as nobody, who has to
# be able to read it: so the system's is looked at first.
python_is_there() {
  local python
  for python in /usr/bin/python3 /usr/local/bin/python3 "$(command -v python3 || true)"; do
    [ -n "$python" ] && [ -x "$python" ] || continue
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && return 0
  done
  return 1
}

# Debian keeps it where only root looks.
nats_is_there() {
  have nats-server || [ -x /usr/sbin/nats-server ] || [ -x /usr/local/sbin/nats-server ]
}

pgbouncer_is_there() {
  [ -x /usr/sbin/pgbouncer ] || [ -x /usr/bin/pgbouncer ] || [ -x /usr/local/bin/pgbouncer ]
}

# The names of the packages that are missing, as Debian calls them. With `tests`, those that only tests need count as well.
missing_packages() {
  have cc || have gcc || have clang || printf 'gcc libc6-dev '
  [ -n "$(postgres_bin)" ] || printf 'postgresql '
  python_is_there || printf 'python3 '
  [ "${1:-}" != tests ] && [ -z "${CI:-}" ] || nats_is_there || printf 'nats-server '
  [ "${1:-}" != tests ] && [ -z "${CI:-}" ] || pgbouncer_is_there || printf 'pgbouncer '
}

# Runs as root: directly, or by a sudo that asks for no password unless somebody sits there to type one.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif have sudo && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
    sudo "$@"
  else
    return 1
  fi
}

install_packages() {
  have apt-get || return 1
  as_root true || return 1
  say "Installing $* …"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq || return 1
  case " $* " in
  *' postgresql '*)
    # The package would make and start a database of its own, which nobody asked for. Its settings say not to, and are
    # put there before the server's package comes.
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes -qq --no-install-recommends \
      postgresql-common >/dev/null || return 1
    as_root sed -ri 's/^#?(create_main_cluster) .*$/\1 = false/' /etc/postgresql-common/createcluster.conf ||
      return 1
    ;;
  esac
  # --no-install-recommends leaves out what only people at a terminal want.
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes -qq --no-install-recommends "$@" >/dev/null
}

ensure_prerequisites() {
  local missing wanted=${1:-}
  if ! have cargo; then
    [ -r "$HOME/.cargo/env" ] && . "$HOME/.cargo/env"
    have cargo || {
      say 'The Rust toolchain (1.94 or later) is not installed. See https://rustup.rs.'
      exit 3
    }
  fi
  missing=$(missing_packages "$wanted")
  [ -z "$missing" ] && return 0
  # shellcheck disable=SC2086  # a list of words
  if install_packages $missing; then
    missing=$(missing_packages "$wanted")
    [ -z "$missing" ] && return 0
  fi
  if [ "$missing" = 'nats-server ' ] && [ -z "${CI:-}" ]; then
    # A developer's machine can do without: the tests of NATS then say that they were skipped. Where changes are checked they fail.
    say 'nats-server is not installed, and this script may not install it: THE TESTS OF NATS ARE SKIPPED.'
    say 'On Debian or Ubuntu, as root: apt-get update && apt-get install --yes --no-install-recommends nats-server'
    say 'Elsewhere: https://github.com/nats-io/nats-server/releases; it has to be on the PATH.'
    return 0
  fi
  say "Something is missing that this script may not, or could not, install itself: $missing"
  say 'On Debian or Ubuntu, as root:'
  say "    apt-get update && apt-get install --yes --no-install-recommends $missing"
  say 'Elsewhere: a C compiler, the server programs of PostgreSQL 15 or later (initdb, postgres), Python 3.11 or later, and for'
  say 'tests nats-server.'
  exit 3
}
