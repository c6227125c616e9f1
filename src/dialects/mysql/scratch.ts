import { TenantryError } from '../../model/errors.ts'
import type { Scratch } from '../../model/picture.ts'

const missing = () => new TenantryError('INTERNAL', 'There are no scratch databases yet.')

export const scratch: Scratch = {
  home: 'information_schema',
  createDatabase: () => Promise.reject(missing()),
  dropDatabase: () => Promise.reject(missing()),
  createSchema: () => Promise.reject(missing()),
  dropSchema: () => Promise.reject(missing()),
  listDatabases: () => Promise.reject(missing()),
  isInUse: () => Promise.reject(missing()),
}
