/** node scripts/backfill-schemas.js: makes what tenants lack of what their applied migrations make. */
import { tenantry } from '../controllers/services/migrationService.js'

process.exitCode = await tenantry('backfill', ...process.argv.slice(2))
