import { TenantryError } from '../../model/errors.ts'
import type { Format, LoadedMigrations } from '../../model/format.ts'
import { historyShape } from '../history-shapes.ts'

const missing = () => new TenantryError('INTERNAL', 'Knex migrations cannot be read yet.')

export const knex: Format = {
  name: 'knex',
  history: historyShape('knex'),
  detect: async () => 0,
  load: async (): Promise<LoadedMigrations> => {
    throw missing()
  },
  template: async () => {
    throw missing()
  },
}
