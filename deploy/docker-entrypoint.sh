#!/bin/sh
# Migrates every tenant, then becomes the server: `docker-entrypoint.sh node server.js`.
#
#   TENANTRY_ON_START               migrate (default) | check (start only on an up-to-date fleet) | skip
#   TENANTRY_ON_START_MAX_FAILURES  start although so many targets failed: 3, or 1%. Default: 0
#   TENANTRY_ON_START_WAIT          seconds to wait for the database servers. Default: 60
#   TENANTRY_ON_START_REGISTRY      migrate: the registry's tables first. Default where TENANT_REGISTRY_DB_URL is set
#   TENANTRY_BIN                    the command line. Default: tenantry of node_modules, else of the PATH
#
# Ends with the failed command's exit code, without starting the server, when something fails. Any number of containers
# may start at once: each migration runs once per target, the others wait for it.
set -eu

mode=${TENANTRY_ON_START:-migrate}
most=${TENANTRY_ON_START_MAX_FAILURES:-0}
wait_s=${TENANTRY_ON_START_WAIT:-60}

registry=${TENANTRY_ON_START_REGISTRY:-${TENANT_REGISTRY_DB_URL:+migrate}}

fail() {
  echo "docker-entrypoint: $1" >&2
  exit 2
}

if [ $# -eq 0 ]; then fail "no command to start was given; write it behind the entrypoint: [\"node\", \"server.js\"]"; fi
case $most in
  '' | *[!0-9%.]* | %*) fail "TENANTRY_ON_START_MAX_FAILURES=$most is neither a number (3) nor a share (1%)" ;;
esac
case $wait_s in
  '' | *[!0-9]*) fail "TENANTRY_ON_START_WAIT=$wait_s is no number of seconds" ;;
esac

bin=${TENANTRY_BIN:-./node_modules/.bin/tenantry}
if [ -z "${TENANTRY_BIN:-}" ] && [ ! -x "$bin" ]; then bin=tenantry; fi

# Another container may be at work on a long migration: it is waited for, not given up on after a minute.
TENANTRY_TARGET_LOCK_WAIT_MS=${TENANTRY_TARGET_LOCK_WAIT_MS:-3600000}
export TENANTRY_TARGET_LOCK_WAIT_MS

# `docker stop` signals this shell: whoever migrates finishes what is in flight and records it.
child=
stopped=
stop() {
  stopped=1
  if [ -n "$child" ]; then kill -TERM "$child" 2>/dev/null || :; fi
}
trap stop TERM INT

run() {
  "$bin" "$@" &
  child=$!
  status=0
  wait "$child" || status=$?
  # A signal ends the waiting, not the child.
  while kill -0 "$child" 2>/dev/null; do
    status=0
    wait "$child" || status=$?
  done
  child=
  if [ "$status" -ne 0 ]; then
    echo "docker-entrypoint: \`tenantry $*\` ended with $status; the server is not started." >&2
    exit "$status"
  fi
  # The signal came too late for it: the server would not be told of it any more.
  if [ -n "$stopped" ]; then exit 143; fi
}

case $mode in
  skip) ;;
  check)
    run wait --timeout "$wait_s"
    run check --allow-failures "$most"
    ;;
  migrate)
    run wait --timeout "$wait_s"
    if [ "$registry" = migrate ]; then run registry migrate; fi
    run up --allow-failures "$most"
    ;;
  *) fail "TENANTRY_ON_START=$mode is none of migrate, check, skip" ;;
esac

trap - TERM INT
unset TENANTRY_TARGET_LOCK_WAIT_MS
exec "$@"
