/** node scripts/register.js <username> [email]: what POST /register does. After a crash, type it again. */
import { isTenantryError } from 'tenantry'
import { createTenantSchema, openFleet } from '../controllers/services/tenantService.js'

const [username, email] = process.argv.slice(2)
const tenantry = await openFleet((step) => console.error(step))
try {
  const { schema, made } = await createTenantSchema(tenantry, username ?? '', email)
  console.log(made ? `Registered ${username}: ${schema}` : `${username} is registered: ${schema}`)
} catch (error) {
  if (!isTenantryError(error)) throw error
  console.error([error.message, error.hint].filter(Boolean).join('\n'))
  process.exitCode = 1
} finally {
  await tenantry.close()
}
