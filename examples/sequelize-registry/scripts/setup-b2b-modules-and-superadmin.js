/**
 * Creates the modules of the B2B screens where they are missing, and links them to the role SuperAdmin with full
 * permissions. The rows are in seeds/. In shared mode: in every tenant, or in that of `--tenant-id=<uuid>`.
 */
const only = ['--only', '010_b2b_modules', '--only', '020_b2b_superadmin']
require('./tenantry.js').runTenantry(['seed', ...only, ...process.argv.slice(2)])
