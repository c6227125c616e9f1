import type { Places } from '../../model/places.ts'
import { dropDatabase, makeDatabase, templates } from './provision-databases.ts'
import { dropRole, grantPlace, makeRole } from './provision-roles.ts'
import { dropSchema, makeSchema } from './provision-schemas.ts'
import { snapshots } from './snapshot.ts'

/** Marks are comments: on the role, the schema, the database. */
export const places: Places = {
  longestNameBytes: 63,
  longestRoleBytes: 63,
  makeRole,
  makeDatabase,
  makeSchema,
  grant: grantPlace,
  dropDatabase,
  dropSchema,
  dropRole,
  templates,
  snapshots,
}
