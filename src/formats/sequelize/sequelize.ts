import { TenantryError } from '../../model/errors.ts'
import type { Format, LoadedMigrations } from '../../model/format.ts'
import { historyShape } from '../history-shapes.ts'

const missing = () => new TenantryError('INTERNAL', 'Sequelize migrations cannot be read yet.')

export const sequelize: Format = {
  name: 'sequelize',
  history: historyShape('sequelize'),
  detect: async () => 0,
  load: async (): Promise<LoadedMigrations> => {
    throw missing()
  },
  template: async () => {
    throw missing()
  },
}
