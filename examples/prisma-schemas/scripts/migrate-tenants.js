/** node scripts/migrate-tenants.js [schema …]: applies what is pending in all tenants, or in those that are named. */
import { tenantry } from '../controllers/services/migrationService.js'

process.exitCode = await tenantry('up', ...process.argv.slice(2))
