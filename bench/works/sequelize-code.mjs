import { fileURLToPath } from 'node:url'
import { measureCode } from './code.mjs'

/** Code written with Sequelize's query interface, as umzug runs it. */
export function measureSequelizeCode(context) {
  return measureCode(context, {
    name: 'Sequelize',
    against: 'umzug',
    format: 'sequelize',
    migrations: fileURLToPath(new URL('../sequelize-migrations', import.meta.url)),
    historyTable: 'SequelizeMeta',
    rowTables: ['members', 'orders', 'order_items', 'invoices', 'settings'],
    timesFaster: { local: 1.5, delayed: 2, idle: 20 },
  })
}
