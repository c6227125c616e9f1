import { TenantryError } from '../../model/errors.ts'
import type { Pictures } from '../../model/picture.ts'

const missing = () => new TenantryError('INTERNAL', 'Schemas cannot be looked at yet.')

export const pictures: Pictures = {
  fingerprint: () => Promise.reject(missing()),
  describe: () => Promise.reject(missing()),
  creations: () => Promise.reject(missing()),
}
