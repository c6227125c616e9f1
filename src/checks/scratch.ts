import { randomBytes } from 'node:crypto'
import { TenantryError } from '../model/errors.ts'
import type { Target } from '../model/tenant.ts'
import type { Fleet } from '../rollout/fleet.ts'

/** Databases for trying things out are named so; what a killed run left behind is recognised by it. */
export const scratchPrefix = 'tenantry_scratch_'

/** Kind of target: migrations are adapted for a schema, and run as they are in a database. */
export type ScratchKind = 'schema' | 'database'

/** Places on the scratch server, removed when it is closed. */
export class ScratchServer {
  readonly server: string
  readonly #fleet: Fleet
  readonly #made: string[] = []

  /** Throws SCRATCH_MISSING where the config names no scratch server, or one of another dialect. */
  constructor(fleet: Fleet, dialect: string) {
    const server = fleet.config.scratch?.server
    if (server === undefined) {
      throw new TenantryError('SCRATCH_MISSING', 'The config names no server where schemas may be built to look at.', {
        hint: "Add `scratch: { server: 'main' }` (its role must be allowed to create databases). No tenant's database is used for it.",
      })
    }
    const own = fleet.pool.dialect(server).name
    if (own !== dialect) {
      throw new TenantryError(
        'SCRATCH_MISSING',
        `The scratch server "${server}" is ${own}, and these targets are ${dialect}.`,
        {
          hint: 'Name a scratch server of the same kind, or select only the targets that are of its kind.',
        },
      )
    }
    this.server = server
    this.#fleet = fleet
  }

  /** A new, empty place. Throws `DatabaseError`. */
  async make(kind: ScratchKind): Promise<Target> {
    const { pool } = this.#fleet
    const database = `${scratchPrefix}${randomBytes(6).toString('hex')}`
    const dialect = pool.dialect(this.server)
    const home = await pool.another(this.server, pool.server(this.server).database ?? dialect.scratch.home)
    try {
      await dialect.scratch.createDatabase(home, database)
    } finally {
      await home.close()
    }
    this.#made.push(database)
    // A name that must be quoted everywhere: what is taken for the schema's name can be nothing else.
    const schema = kind === 'schema' ? 'Tenantry scratch' : undefined
    if (schema !== undefined) {
      const inside = await pool.another(this.server, database)
      try {
        await dialect.scratch.createSchema(inside, schema)
      } finally {
        await inside.close()
      }
    }
    return {
      name: [this.server, database, ...(schema === undefined ? [] : [schema])].join('/'),
      placement: { server: this.server, database, ...(schema === undefined ? {} : { schema }) },
      tenants: [],
    }
  }

  /** Removes everything that was made. What cannot be removed now is left to be found by its name. */
  async close(): Promise<void> {
    const { pool } = this.#fleet
    const dialect = pool.dialect(this.server)
    if (this.#made.length === 0) return
    const home = await pool.another(this.server, pool.server(this.server).database ?? dialect.scratch.home)
    try {
      for (const database of this.#made.splice(0)) {
        await pool.closeDatabase(this.server, database)
        await dialect.scratch.dropDatabase(home, database).catch(() => {})
      }
    } finally {
      await home.close()
    }
  }
}
