/**
 * Applies migrations/ to every active shared tenant of the registry or, without TENANT_REGISTRY_DB_URL, to the one
 * database. `--tenant-id=<uuid>`: to that tenant only. What else `tenantry up` understands is handed on.
 */
require('./tenantry.js').runTenantry(['up', ...process.argv.slice(2)])
