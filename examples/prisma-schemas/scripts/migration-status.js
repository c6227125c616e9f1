/** node scripts/migration-status.js [schema …]: what is applied and pending, and whether required tables are there. */
import { tenantry } from '../controllers/services/migrationService.js'

process.exitCode = await tenantry('status', ...process.argv.slice(2))
