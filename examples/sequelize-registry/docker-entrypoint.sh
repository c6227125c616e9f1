#!/bin/sh
# Waits for the databases, applies what `npm run db:tenant-migrate` applies, then becomes the server. Where a migration
# fails it ends with that exit code, and no server is started. The registry has a job of its own: db:registry-migrate.
# Its variables are told in node_modules/tenantry/deploy/docker-entrypoint.sh.
set -eu
cd "$(dirname "$0")"

TENANTRY_ON_START_REGISTRY=${TENANTRY_ON_START_REGISTRY:-skip}
export TENANTRY_ON_START_REGISTRY

if [ $# -eq 0 ]; then set -- node src/server.js; fi
exec ./node_modules/tenantry/deploy/docker-entrypoint.sh "$@"
