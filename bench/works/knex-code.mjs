import { fileURLToPath } from 'node:url'
import { measureCode } from './code.mjs'

/** Code written with Knex's builder. */
export function measureKnexCode(context) {
  return measureCode(context, {
    name: 'Knex',
    against: 'knex',
    format: 'knex',
    migrations: fileURLToPath(new URL('../knex-migrations', import.meta.url)),
    historyTable: 'knex_migrations',
    rowTables: ['members', 'orders', 'order_items', 'invoices', 'settings'],
    timesFaster: { local: 1.3, delayed: 1.6, idle: 20 },
  })
}
