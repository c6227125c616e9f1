import { createHash } from 'node:crypto'
import { readVersion } from '../engine/package-version.ts'
import type { Connection } from '../model/dialect.ts'
import { DatabaseError } from '../model/dialect.ts'
import { type ErrorDocument, isTenantryError, TenantryError } from '../model/errors.ts'
import type { PictureScope, SchemaPicture } from '../model/picture.ts'
import type { RunSignals } from '../model/report.ts'
import type { Target } from '../model/tenant.ts'
import type { Fleet } from '../rollout/fleet.ts'
import { migrateOne } from '../rollout/migrate-one.ts'
import { describeRecipe, keyOfRecipe, type Recipe } from './recipe.ts'
import { ReferenceCache } from './reference-cache.ts'
import { ScratchServer } from './scratch.ts'

/** Part of every cache key: another version of this package may draw the same schema differently. */
const packageVersion = readVersion()

/**
 * What migrations really make: recipes are built on the scratch server, as `up` builds them in a target, and looked at.
 * Pictures are kept in the state folder for as long as nothing that goes into them changes. Each recipe is built at
 * most once; `close` removes every place.
 */
export class References {
  readonly #fleet: Fleet
  readonly #cache: ReferenceCache
  readonly #signal: AbortSignal | undefined
  readonly #servers = new Map<string, { scratch: ScratchServer; version: Promise<number> }>()
  readonly #places = new Map<string, Promise<Target>>()
  readonly #pictures = new Map<string, Promise<SchemaPicture>>()
  readonly #defaults = new Map<string, Promise<string | null>>()
  #cacheFailed = false

  /** @param signal stops a build at once; what is made is still removed */
  constructor(fleet: Fleet, stateDir: string, signal?: AbortSignal) {
    this.#fleet = fleet
    this.#cache = new ReferenceCache(stateDir)
    this.#signal = signal
  }

  /** Throws SCRATCH_MISSING, before anything is built, where targets of this dialect can have no reference. */
  require(dialect: string): void {
    this.#server(dialect)
  }

  /**
   * What a recipe makes, with the hash that its targets have. Throws SCRATCH_MISSING, REFERENCE_FAILED, INTERRUPTED,
   * and what connecting to the scratch server throws.
   */
  async picture(recipe: Recipe, scope: PictureScope): Promise<SchemaPicture> {
    const key = await this.#key(recipe, scope)
    let picture = this.#pictures.get(key)
    if (picture === undefined) {
      picture = this.#find(key, recipe, scope)
      this.#pictures.set(key, picture)
    }
    return picture
  }

  /** A place on the scratch server where the recipe is built, until `close`. Throws as {@link picture} does. */
  place(recipe: Recipe): Promise<Target> {
    const key = keyOfRecipe(recipe)
    let place = this.#places.get(key)
    if (place === undefined) {
      place = this.#build(recipe)
      this.#places.set(key, place)
    }
    return place
  }

  /** Version of the scratch server, as the dialect counts it. */
  async version(dialect: string): Promise<number> {
    try {
      return await this.#server(dialect).version
    } catch (error) {
      throw describeScratchError(error, this.#fleet.config.scratch?.server ?? '')
    }
  }

  /** Removes what was built. What cannot be removed now is found by its name later. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#places.values())
    for (const { scratch } of this.#servers.values()) await scratch.close().catch(() => {})
    this.#servers.clear()
    this.#places.clear()
  }

  #server(dialect: string) {
    let server = this.#servers.get(dialect)
    if (server === undefined) {
      const scratch = new ScratchServer(this.#fleet, dialect)
      server = { scratch, version: askVersion(this.#fleet, scratch.server) }
      server.version.catch(() => {})
      this.#servers.set(dialect, server)
    }
    return server
  }

  /**
   * Tables take over what their database was made with, and a migration may say the same in words: a reference is built
   * in a database like that of the first target that can be asked. null: the scratch server's own.
   */
  #defaultsFor({ dialect, parts }: Recipe): Promise<string | null> {
    let defaults = this.#defaults.get(dialect)
    if (defaults === undefined) {
      const targets = parts.flatMap(({ set }) => set.targets)
      defaults = askDefaults(this.#fleet, targets, dialect)
      this.#defaults.set(dialect, defaults)
    }
    return defaults
  }

  /** Hash over everything that could make the picture another one. */
  async #key({ dialect, kind, parts, within }: Recipe, scope: PictureScope): Promise<string> {
    const { sharedSchema, provision } = this.#fleet.config
    const version = Math.floor((await this.version(dialect)) / 100)
    const built = parts.map(({ set, kind: place, count }) => [
      place,
      set.format.name,
      set.config.session,
      set.config.transaction,
      set.historySchema,
      set.migrations.slice(0, count).map(({ id, checksum }) => [id, checksum]),
    ])
    const { extensions } = provision
    const facts = [packageVersion, dialect, version, kind, within, sharedSchema, extensions, built, scope]
    return createHash('sha256').update(JSON.stringify(facts)).digest('hex')
  }

  async #find(key: string, recipe: Recipe, scope: PictureScope): Promise<SchemaPicture> {
    const known = this.#cache.read(key)
    if (known !== null) return known
    const place = await this.place(recipe)
    const { server, database, schema } = place.placement
    const { pool } = this.#fleet
    const lease = await pool.lease(server, database)
    let picture: SchemaPicture | null
    try {
      picture = await pool.dialect(server).pictures.describe(lease.connection, schema ?? recipe.within, scope)
    } finally {
      await lease.release()
    }
    if (picture === null) {
      throw new TenantryError(
        'REFERENCE_FAILED',
        `The migrations (${describeRecipe(recipe)}) dropped their own schema.`,
      )
    }
    this.#keep(key, picture)
    return picture
  }

  /** A folder that cannot be written costs time, nothing else. */
  #keep(key: string, picture: SchemaPicture): void {
    try {
      this.#cache.write(key, picture)
    } catch (error) {
      if (this.#cacheFailed) return
      this.#cacheFailed = true
      const why = error instanceof Error ? error.message : String(error)
      this.#fleet.emit({
        type: 'notice',
        notice: {
          rule: 'reference-not-stored',
          message: `The reference could not be kept for the next time: ${why}.`,
          hint: 'make the folder writable, or name another one with TENANTRY_STATE_DIR',
        },
      })
    }
  }

  async #build(recipe: Recipe): Promise<Target> {
    const { scratch } = this.#server(recipe.dialect)
    await this.version(recipe.dialect)
    this.#refuseInterrupted()
    let place: Target
    try {
      place = await scratch.make(recipe.kind, await this.#defaultsFor(recipe))
    } catch (error) {
      throw describeScratchError(error, scratch.server)
    }
    const { server, database } = place.placement
    const around: Target = { ...place, name: `${server}/${database}`, placement: { server, database } }
    for (const { set, kind, count } of recipe.parts) {
      const to = set.migrations[count - 1]
      if (to === undefined) continue
      this.#refuseInterrupted()
      const target = kind === recipe.kind ? place : around
      const { historySchema } = set
      if (historySchema !== null) await this.#makeSchema(target, historySchema)
      const { error } = await migrateOne(this.#fleet, set, target, { direction: 'up', to }, this.#signals())
      this.#refuseInterrupted()
      if (error !== null) throw buildError(error, recipe, target)
    }
    return place
  }

  /** A history table may be kept in a schema that no migration makes. */
  async #makeSchema({ placement: { server, database } }: Target, name: string): Promise<void> {
    const { pool } = this.#fleet
    const dialect = pool.dialect(server)
    if (!dialect.features.schemas) return
    const lease = await pool.lease(server, database)
    try {
      await dialect.scratch.createSchema(lease.connection, name)
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.failure.kind !== 'already-exists') throw error
    } finally {
      await lease.release()
    }
  }

  #signals(): RunSignals | undefined {
    return this.#signal === undefined ? undefined : { drain: this.#signal, cancel: this.#signal }
  }

  #refuseInterrupted(): void {
    if (this.#signal?.aborted !== true) return
    throw new TenantryError('INTERRUPTED', 'Interrupted while the reference was built; it is removed again.', {
      hint: 'Run the same command again: it starts over.',
    })
  }
}

async function askVersion({ pool }: Fleet, server: string): Promise<number> {
  const home: Connection = await pool.another(server, pool.server(server).database ?? pool.dialect(server).scratch.home)
  try {
    return home.version
  } finally {
    await home.close()
  }
}

/** Targets that are asked before it is given up: what is wrong with them is told by who reads them. */
const mostAsked = 3

async function askDefaults({ pool }: Fleet, targets: readonly Target[], dialect: string): Promise<string | null> {
  const own = targets.filter(({ placement }) => pool.dialect(placement.server).name === dialect)
  for (const { placement } of own.slice(0, mostAsked)) {
    try {
      const lease = await pool.lease(placement.server, placement.database)
      try {
        return await pool.dialect(placement.server).scratch.defaultsOf(lease.connection)
      } finally {
        await lease.release()
      }
    } catch (error) {
      if (!(error instanceof DatabaseError) && !isTenantryError(error)) throw error
    }
  }
  return null
}

function describeScratchError(error: unknown, server: string): unknown {
  if (isTenantryError(error)) return error
  if (!(error instanceof DatabaseError)) return error
  const { failure } = error
  return new TenantryError('REFERENCE_FAILED', `The scratch server "${server}" gave no place: ${failure.message}.`, {
    hint: 'Its role must be allowed to create databases; `drift --between` compares targets with each other and needs no scratch server.',
    context: { server, failure: failure.kind, ...(failure.sqlstate === null ? {} : { sqlstate: failure.sqlstate }) },
  })
}

/** The migration's own error, and that it was no tenant's database. */
function buildError({ code, message, hint, context }: ErrorDocument, recipe: Recipe, target: Target): TenantryError {
  const { server } = target.placement
  return new TenantryError(
    'REFERENCE_FAILED',
    `What the migrations make (${describeRecipe(recipe)}) could not be built on scratch server "${server}": ${message.replaceAll(target.name, 'an empty database')}`,
    {
      hint:
        code === 'MIGRATION_FAILED' || code === 'ALREADY_EXISTS'
          ? 'They were run from the first one in an empty database, and must not need anything that none of them makes. `drift --between` compares targets with each other instead.'
          : (hint ?? undefined),
      context: { ...context, cause: code, server },
    },
  )
}
