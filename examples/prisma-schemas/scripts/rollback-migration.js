/** node scripts/rollback-migration.js <version> [schema …]: undoes one migration, in all tenants or in those that are named. */
import { tenantry } from '../controllers/services/migrationService.js'

const [version, ...rest] = process.argv.slice(2)
if (version === undefined || version.startsWith('-')) {
  console.error(
    'Which migration? npm run migration:rollback <version> [schema]; `npm run migration:status` lists them.',
  )
  process.exitCode = 2
} else {
  // In several tenants only what is proved to be undone well is undone. What was proved before takes no time here.
  const inAll = rest.every((word) => word.startsWith('-'))
  const proved = inAll ? await tenantry('prove', '--quiet') : 0
  process.exitCode = proved === 130 ? 130 : await tenantry('down', version, ...rest)
}
