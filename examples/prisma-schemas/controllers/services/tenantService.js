/** A schema for each user, made by tenantry; and what the API reads from it. */
import { openTenantry } from 'tenantry'

/**
 * Registers a user: the row in `users`, the schema `{username}_{8 digits}`, all migrations, the first team member. Called
 * again after a crash, it goes on where it was cut off.
 *
 * @param {import('tenantry').Tenantry} tenantry
 * @param {string} username
 * @param {string} [email]
 * @returns {Promise<{ schema: string, made: boolean }>} `made`: false, there has been such a user
 */
export async function createTenantSchema(tenantry, username, email) {
  const { tenant, made } = await tenantry.provision({ slug: username, ...(email && { labels: { email } }) })
  return { schema: tenant.target.split('/').at(-1) ?? '', made }
}

/** @param {(step: string) => void} tell hears of each step of a registration */
export function openFleet(tell) {
  return openTenantry({
    emit: (event) => {
      if (event.type === 'provision-step') tell(`${event.tenant}: ${event.step} ${event.state}`)
    },
  })
}
