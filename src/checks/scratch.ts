import { createHash, randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import type { Connection, Dialect } from '../model/dialect.ts'
import { TenantryError } from '../model/errors.ts'
import type { Target } from '../model/tenant.ts'
import { lives } from '../registry/lives.ts'
import type { Fleet } from '../rollout/fleet.ts'

/** Databases for trying things out are named so; what a killed run left behind is recognised by it. */
export const scratchPrefix = 'tenantry_scratch_'

/** A process of another machine cannot be asked whether it lives: what is older than this, and unused, is taken for left. */
const leftAfterMs = 3_600_000

/** Kind of target: migrations are adapted for a schema, and run as they are in a database. */
export type ScratchKind = 'schema' | 'database'

/** Places on the scratch server, removed when it is closed. */
export class ScratchServer {
  readonly server: string
  readonly #fleet: Fleet
  readonly #made: string[] = []
  #swept = false

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

  /**
   * A new place with nothing in it but the extensions that new tenants get. Throws `DatabaseError`.
   * @param defaults of a database that it should be like; null: the scratch server's own
   */
  async make(kind: ScratchKind, defaults: string | null = null): Promise<Target> {
    const { pool } = this.#fleet
    const database = newName()
    const dialect = pool.dialect(this.server)
    const home = await pool.another(this.server, pool.server(this.server).database ?? dialect.scratch.home)
    try {
      if (!this.#swept) await sweep(dialect, home)
      this.#swept = true
      this.#made.push(database)
      await dialect.scratch.createDatabase(home, database, defaults)
    } finally {
      await home.close()
    }
    // A name that must be quoted everywhere: what is taken for the schema's name can be nothing else.
    const schema = kind === 'schema' ? 'Tenantry scratch' : undefined
    const { sharedSchema, provision } = this.#fleet.config
    const shared = dialect.features.schemas && sharedSchema !== 'public' ? sharedSchema : undefined
    const schemas = [schema, shared].filter((name) => name !== undefined)
    const extensions = provision.extensions.map((name) => ({ name, schema: null, version: null }))
    if (schemas.length > 0 || extensions.length > 0) {
      const inside = await pool.another(this.server, database)
      try {
        for (const name of schemas) await dialect.scratch.createSchema(inside, name)
        if (extensions.length > 0) await dialect.ensureExtensions(inside, extensions, sharedSchema)
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

const ownHost = createHash('sha256').update(hostname()).digest('hex').slice(0, 8)

/** Says whose it is and since when, for {@link isLeft}. */
function newName(): string {
  const [pid, now] = [process.pid.toString(36), Date.now().toString(36)]
  return `${scratchPrefix}${ownHost}_${pid}_${now}_${randomBytes(4).toString('hex')}`
}

/** Removes what killed runs left behind. Not a must: what resists is left for the next time. */
async function sweep(dialect: Dialect, home: Connection): Promise<void> {
  const names = await dialect.scratch.listDatabases(home, scratchPrefix)
  for (const name of names.filter((one) => isLeft(one, Date.now()))) {
    if (await dialect.scratch.isInUse(home, name)) continue
    // Another run may sweep at the same time, and a role may not drop what another one made.
    await dialect.scratch.dropDatabase(home, name).catch(() => {})
  }
}

/** Has the process that made this database ended? Unknown for another machine's, until it is old. */
export function isLeft(name: string, now: number, isAlive: (pid: number) => boolean = lives): boolean {
  const [host, pid, since] = name.slice(scratchPrefix.length).split('_')
  if (host === undefined || pid === undefined || since === undefined) return false
  const age = now - Number.parseInt(since, 36)
  if (!(age >= 0)) return false
  return host === ownHost ? !isAlive(Number.parseInt(pid, 36)) : age > leftAfterMs
}
