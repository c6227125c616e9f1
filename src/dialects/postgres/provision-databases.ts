import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Connection, DatabaseError } from '../../model/dialect.ts'
import type { Dropped, Made, Places, Templates } from '../../model/places.ts'
import { runAll } from './provision-sql.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'

/** Comments of databases; those that are not there are not in it. */
async function readMarks(connection: Connection, names: readonly string[]): Promise<Map<string, string | null>> {
  const rows = await connection.query(
    `SELECT d.datname::text AS name, pg_catalog.shobj_description(d.oid, 'pg_database') AS mark
       FROM pg_catalog.pg_database d WHERE d.datname OPERATOR(pg_catalog.=) ANY ($1::name[])`,
    [names],
  )
  return new Map(rows.map(({ name, mark }) => [String(name), mark as string | null]))
}

/** Nobody else makes a name like it: what is found under it was left by a run for the same tenant. */
function draftName(mark: string): string {
  return `tenantry_new_${createHash('sha256').update(mark).digest('hex').slice(0, 32)}`
}

/**
 * CREATE DATABASE commits by itself, and before a comment can be set. So the database is made under a name that only
 * this tenant's runs know; the mark and the name are given in one transaction then.
 */
export const makeDatabase: Places['makeDatabase'] = async (connection, name, mark, template): Promise<Made> => {
  const draft = draftName(mark)
  const marks = await readMarks(connection, [name, draft])
  if (marks.has(name)) return marks.get(name) === mark ? 'there' : 'taken'
  if (marks.has(draft)) await dropNow(connection, draft)
  await copy(connection, draft, template)
  const { failure } = await connection.pipeline([
    'BEGIN',
    `COMMENT ON DATABASE ${quoteIdentifier(draft)} IS ${quoteLiteral(mark)}`,
    `REVOKE CONNECT, TEMPORARY ON DATABASE ${quoteIdentifier(draft)} FROM PUBLIC`,
    `ALTER DATABASE ${quoteIdentifier(draft)} RENAME TO ${quoteIdentifier(name)}`,
    'COMMIT',
  ])
  if (failure === null) return 'made'
  const now = (await readMarks(connection, [name])).get(name)
  await dropNow(connection, draft)
  if (now === undefined) throw new DatabaseError(failure)
  return now === mark ? 'there' : 'taken'
}

const busyTries = 100

/** Somebody may look at the template for a moment (an autovacuum worker does): 55006. */
async function copy(connection: Connection, name: string, template: string | null): Promise<void> {
  const from = quoteIdentifier(template ?? 'template0')
  for (let attempt = 1; ; attempt++) {
    try {
      await connection.query(`CREATE DATABASE ${quoteIdentifier(name)} TEMPLATE ${from}`)
      return
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.failure.sqlstate !== '55006' || attempt >= busyTries) throw error
      await sleep(100)
    }
  }
}

async function dropNow(connection: Connection, name: string): Promise<void> {
  await connection.query(`DROP DATABASE IF EXISTS ${quoteIdentifier(name)} WITH (FORCE)`)
}

export const dropDatabase: Places['dropDatabase'] = async (connection, name, mark): Promise<Dropped> => {
  const marks = await readMarks(connection, mark === null ? [name] : [name, draftName(mark)])
  if (mark !== null && marks.has(draftName(mark))) await dropNow(connection, draftName(mark))
  if (!marks.has(name)) return 'gone'
  if (mark !== null && marks.get(name) !== mark) return 'taken'
  await dropNow(connection, name)
  return 'dropped'
}

export const templates: Templates = {
  draftOf: (name) => `${name}_new`,
  async list(connection, prefix) {
    const rows = await connection.query(
      `SELECT d.datname::text AS name, pg_catalog.shobj_description(d.oid, 'pg_database') AS note
         FROM pg_catalog.pg_database d WHERE pg_catalog.starts_with(d.datname::text, $1::text) ORDER BY d.datname`,
      [prefix],
    )
    return rows.map(({ name, note }) => ({ name: String(name), note: String(note ?? '') }))
  },
  async begin(connection, name) {
    await dropNow(connection, name)
    await copy(connection, name, null)
  },
  async publish(connection, from, name, note) {
    await connection.query(`ALTER DATABASE ${quoteIdentifier(from)} ALLOW_CONNECTIONS false`)
    await endSessions(connection, from)
    await runAll(connection, [
      'BEGIN',
      `COMMENT ON DATABASE ${quoteIdentifier(from)} IS ${quoteLiteral(note)}`,
      `REVOKE CONNECT, TEMPORARY ON DATABASE ${quoteIdentifier(from)} FROM PUBLIC`,
      `ALTER DATABASE ${quoteIdentifier(from)} RENAME TO ${quoteIdentifier(name)}`,
      'COMMIT',
    ])
  },
  drop: dropNow,
}

async function endSessions(connection: Connection, name: string): Promise<void> {
  await connection.query(
    `SELECT pg_catalog.pg_terminate_backend(a.pid) FROM pg_catalog.pg_stat_activity a
      WHERE a.datname OPERATOR(pg_catalog.=) $1::name AND a.backend_type OPERATOR(pg_catalog.=) 'client backend'`,
    [name],
  )
}
