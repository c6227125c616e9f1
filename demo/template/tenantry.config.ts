import { readFileSync } from 'node:fs'
import { defineConfig } from 'tenantry'

/** Written by the demo: where its server is. In a project this would be a variable such as DATABASE_URL. */
const { url } = JSON.parse(readFileSync(new URL('./server.json', import.meta.url), 'utf8'))
const at = (database: string) => `${url}/${database}`

/** Who the tenants are; a project would ask a table (`from: 'query'`) or match schemas (`from: 'schemas'`). */
const fleet: { slug: string; layout: 'schema' | 'database' | 'dedicated' | 'shared'; since: string }[] = JSON.parse(
  readFileSync(new URL('./tenants.json', import.meta.url), 'utf8'),
)

export default defineConfig({
  servers: { main: { url: at('shops'), maxConcurrency: 8, maxConcurrencyPerDatabase: 4 } },

  // Two sets, carried out in this order: the tables that many small shops share, then shops with tables of their own.
  migrations: [
    { name: 'shared', dir: './migrations/shared', format: 'sql', tenants: { label: 'layout=shared' } },
    { name: 'tenant', dir: './migrations/tenant', format: 'sql' },
  ],

  tenants: fleet.map(({ slug, layout, since }) => {
    const labels = { layout, since }
    if (layout === 'schema')
      return { slug, topology: layout, server: 'main', database: 'shops', schema: `t_${slug}`, labels }
    if (layout === 'database') return { slug, topology: layout, server: 'main', database: `shop_${slug}`, labels }
    if (layout === 'dedicated') return { slug, topology: layout, url: at(slug), labels }
    return { slug, topology: layout, server: 'main', database: slug, labels }
  }),

  requiredTables: ['customers', 'orders'],
})
