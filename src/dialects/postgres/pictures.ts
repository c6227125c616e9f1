import type { Connection } from '../../model/dialect.ts'
import type {
  FingerprintReading,
  ObjectKind,
  PictureObject,
  PictureScope,
  Pictures,
  SchemaPicture,
} from '../../model/picture.ts'
import { readCreations } from './picture-creations.ts'
import { pictureQuestion, pictureSettings, type Wanted } from './picture-question.ts'
import { type FoundSchema, findSchemas } from './picture-schemas.ts'
import { planOnce, sqlstateOf } from './plan-once.ts'
import { quoteLiteral } from './quote.ts'

/**
 * Schemas per statement. The definition of a view is read under a lock on each table that it names, held until the
 * statement ends; so these are counted against a lock table that has room for some 6,400 by default.
 */
const most = { schemas: 250, relations: 10_000, locks: 2_500 }

/** How often a statement is sent again when something that it reads is dropped under it. */
const mostTries = 4

/** What is asked while a table is locked by somebody's DDL: longer than that takes, as a rule. */
const lockTimeoutMs = 10_000

/**
 * PostgreSQL: with a target of null, the picture is of every schema of the database that is neither the server's nor an
 * extension's; names in other schemas than the connection's default one are written with their schema (`audit.log`), and
 * that default schema is the own one.
 *
 * Not looked at: operators, casts, collations, text search, publications, security labels, column privileges of the owner.
 * Definitions of views and checks are as this version of the server writes them: two versions may differ. Names of NOT NULL
 * constraints (PostgreSQL 18) do not count. Each table with a check, or an index over an expression, leaves some 9 kB in the
 * memory of the session: end such a connection after a large fleet. Throws a `lock-timeout` when somebody holds a table
 * locked for more than ten seconds.
 */
export const pictures: Pictures = {
  async fingerprint(connection, targets, scope): Promise<FingerprintReading> {
    const [only = null] = targets
    const before = targets.length === 1 && only !== null ? lookedAt.get(connection) : undefined
    if (before !== undefined && before.own === only) {
      const [row] = await ask(connection, 'hashes', [before], scope)
      if (row?.own === String(before.oid)) return { hashes: [String(row.hash)] }
    }
    const found = await findSchemas(connection, targets)
    const [first] = found
    if (targets.length === 1 && only !== null && first !== undefined) lookedAt.set(connection, first)
    else lookedAt.delete(connection)
    const hashes: (string | null)[] = targets.map(() => null)
    for (const chunk of chunks(found)) {
      for (const row of await ask(connection, 'hashes', chunk, scope)) hashes[Number(row.t)] = String(row.hash)
    }
    return { hashes }
  },

  async describe(connection, target, scope): Promise<SchemaPicture | null> {
    const found = await findSchemas(connection, [target])
    if (found.length === 0) return null
    let hash = ''
    const objects: PictureObject[] = []
    for (const row of await ask(connection, 'objects', found, scope)) {
      if (row.kind === null) hash = String(row.name)
      else objects.push(readObject(row))
    }
    return { hash, objects: objects.sort(byKindAndName) }
  },

  async creations(connection, target, objects) {
    const found = await findSchemas(connection, [target])
    if (found.length === 0 || objects.length === 0) return []
    const kinds = [...new Set(objects.map(({ kind }) => kind))]
    const rows = await ask(connection, 'creations', found, { kinds, exceptTables: [], ignore: [] })
    return readCreations(connection, rows, objects)
  },
}

/** The one schema that a session was asked about: the next time it is most likely still that. */
const lookedAt = new WeakMap<Connection, FoundSchema>()

function readObject(row: Record<string, unknown>): PictureObject {
  const properties: Record<string, string> = {}
  for (const property of String(row.properties ?? '').split('\x1e')) {
    const end = property.indexOf('\x1f')
    if (end > 0) properties[property.slice(0, end)] = property.slice(end + 1)
  }
  return {
    kind: row.kind as ObjectKind,
    name: String(row.name),
    of: row.of === null ? null : String(row.of),
    properties,
  }
}

function byKindAndName(a: PictureObject, b: PictureObject): number {
  if (a.kind !== b.kind) return a.kind < b.kind ? -1 : 1
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0
}

/** Targets are never cut apart: the schemas of a database have one hash. */
function* chunks(found: readonly FoundSchema[]): Iterable<FoundSchema[]> {
  let chunk: FoundSchema[] = []
  let relations = 0
  let locks = 0
  for (const schema of found) {
    const full =
      chunk.length >= most.schemas || relations + schema.relations > most.relations || locks + schema.locks > most.locks
    if (full && chunk.length > 0 && chunk.at(-1)?.target !== schema.target) {
      yield chunk
      chunk = []
      relations = 0
      locks = 0
    }
    chunk.push(schema)
    relations += schema.relations
    locks += schema.locks
  }
  if (chunk.length > 0) yield chunk
}

async function ask(
  connection: Connection,
  wanted: Wanted,
  found: readonly FoundSchema[],
  scope: PictureScope,
): Promise<Record<string, unknown>[]> {
  const targets = [...new Map(found.map(({ target, own }) => [target, { target, own }])).values()]
  const question = pictureQuestion(wanted, scope, connection.version)
  const about = pictureSettings(found, targets).map(
    ([name, value]) => `set_config('${name}', ${quoteLiteral(value)}, true)`,
  )
  // One message is one transaction: the settings are gone with it. With nothing on the search path, no function or
  // operator of a tenant's can take the place of the server's own. What looks dear to the planner is not worth compiling.
  const text = (
    asking: string,
  ) => `SELECT set_config('search_path', '', true), set_config('jit', 'off', true), set_config('max_parallel_workers_per_gather', '0', true),
    set_config('lock_timeout', '${lockTimeoutMs}', true), set_config('quote_all_identifiers', 'off', true),
    set_config('DateStyle', 'ISO, MDY', true), set_config('IntervalStyle', 'postgres', true), set_config('TimeZone', 'UTC', true), set_config('extra_float_digits', '1', true), set_config('bytea_output', 'hex', true),
    ${about.join(', ')};
    ${asking}`
  for (let attempt = 1; ; attempt++) {
    try {
      return await planOnce(connection, 'tenantry_picture', question, (asking) => connection.run(text(asking)))
    } catch (error) {
      // "cache lookup failed", "could not open relation": a table was dropped between the catalog's row and its definition.
      const vanished = ['XX000', '42P01', '42704', '42883'].includes(sqlstateOf(error) ?? '')
      if (!vanished || attempt >= mostTries) throw error
    }
  }
}
