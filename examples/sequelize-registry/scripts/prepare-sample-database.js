/**
 * Makes the database of DB_* or DATABASE_URL a sample for new customers; a tenant of the registry never. What is kept
 * is in tenantry.config.js. Refused without `--confirm` or CONFIRM_SAMPLE_RESET=1. See docs/sample-database.md.
 */
const { DATABASE_URL, DB_NAME } = process.env

if (DATABASE_URL || DB_NAME) {
  const env = { ...process.env, TENANT_REGISTRY_DB_URL: '' }
  require('./tenantry.js').runTenantry(['sample-db', ...process.argv.slice(2)], env)
} else {
  console.error('No database is named: set DATABASE_URL, or DB_HOST, DB_NAME, DB_USER and DB_PASS.')
  process.exitCode = 2
}
