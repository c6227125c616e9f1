import { randomBytes } from 'node:crypto'
import type { Node } from 'libpg-query'
import { type Connection, DatabaseError } from '../../model/dialect.ts'
import { describeSubject } from './compare-describe.ts'
import { readSubject, type Subject } from './compare-subject.ts'
import { loadParser, parseSql, SqlSyntaxError, scanSql, type Token } from './parse.ts'
import { type Name, quoteName } from './probe-sql.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'
import { searchPathValue } from './search-path.ts'

type Comparison = 'equal' | 'different' | 'unknown'
type Queries = Pick<Connection, 'query'>

/** Long enough for a catalog, short enough for nobody behind it in the queue to notice. */
const lockTimeoutMs = 200
const statementTimeoutMs = 5_000

interface Resolved {
  /** The schema in which the statement finds or makes the name. */
  schema: string
  name: Name
}

/** Read with nothing on the search path, so that only the server's own functions are called; sets that of the target. */
async function resolveNames(
  connection: Queries,
  subject: Subject,
  targetSchema: string | null,
): Promise<{ path: string[]; object: Resolved; copies: (Resolved & { indexes: boolean })[] } | null> {
  const found = (name: Name) => `(SELECT n.nspname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = to_regclass(${quoteLiteral(quoteName(name))}))`
  const made = subject.name.schema === null ? 'current_schema()::text' : quoteLiteral(subject.name.schema)
  const existing = subject.kind === 'index' || subject.kind === 'columns' || subject.kind === 'constraints'
  const places = [existing ? found(subject.name) : made, ...subject.copies.map(({ name }) => found(name))]
  const [row] = await connection.query(
    `WITH path AS MATERIALIZED (SELECT set_config('search_path', ${searchPathValue(targetSchema)}, true) AS value)
      SELECT to_json(current_schemas(false))::text AS path, json_build_array(${places.join(', ')})::text AS places
      FROM path WHERE value IS NOT NULL`,
  )
  const path = JSON.parse(String(row?.path)) as string[]
  const [schema, ...others] = JSON.parse(String(row?.places)) as (string | null)[]
  if (!schema || others.some((other) => other === null)) return null
  return {
    path,
    object: { schema, name: subject.name },
    copies: subject.copies.map((copy, index) => ({ ...copy, schema: others[index] ?? schema })),
  }
}

function readIdentifier(token: Token | undefined): string | null {
  if (!token) return null
  if (token.text.startsWith('"')) return token.text.slice(1, -1).replaceAll('""', '"')
  return /^[\p{L}_]/u.test(token.text) ? token.text.toLowerCase() : null
}

/** Moves qualified names of mirrored objects, and makes a concurrent index build an ordinary one. */
function moveStatement(text: string, mirrors: ReadonlyMap<string, string>, moved: readonly Resolved[]): string {
  const bytes = Buffer.from(text, 'utf8')
  const tokens = scanSql(text).filter(({ name }) => name !== 'SQL_COMMENT' && name !== 'C_COMMENT')
  const pieces: Buffer[] = []
  let from = 0
  const replace = (token: Token, by: string) => {
    pieces.push(bytes.subarray(from, token.start), Buffer.from(by, 'utf8'))
    from = token.end
  }
  for (const [index, token] of tokens.entries()) {
    if (token.text.toUpperCase() === 'CONCURRENTLY' && tokens[index - 1]?.text.toUpperCase() === 'INDEX') {
      replace(token, '')
      continue
    }
    if (tokens[index + 1]?.text !== '.' || tokens[index - 1]?.text === '.') continue
    const [schema, name] = [readIdentifier(token), readIdentifier(tokens[index + 2])]
    const mirror = schema === null ? undefined : mirrors.get(schema)
    if (mirror && moved.some((object) => object.schema === schema && object.name.name === name)) replace(token, mirror)
  }
  pieces.push(bytes.subarray(from))
  return Buffer.concat(pieces).toString('utf8')
}

/** Makes the copies that the statement works on; what it adds is taken off them first. */
async function copyTables(
  connection: Queries,
  subject: Subject,
  copies: readonly (Resolved & { indexes: boolean })[],
  mirrors: ReadonlyMap<string, string>,
): Promise<void> {
  const done = new Set<string>()
  for (const { schema, name, indexes } of copies) {
    const source = quoteName({ schema, name: name.name })
    const copy = quoteName({ schema: mirrors.get(schema) ?? null, name: name.name })
    if (done.has(copy)) continue
    done.add(copy)
    // LIKE reads its source under the weakest lock there is.
    await connection.query(`CREATE TABLE ${copy} (LIKE ${source}${indexes ? ' INCLUDING INDEXES' : ''})`)
    if (subject.kind !== 'columns' || name.name !== subject.name.name) continue
    for (const column of subject.parts) {
      await connection.query(`ALTER TABLE ${copy} DROP COLUMN IF EXISTS ${quoteIdentifier(column)} CASCADE`)
    }
  }
}

async function readDescriptions(connection: Queries, text: string): Promise<string[]> {
  const rows = await connection.query(text)
  return rows.flatMap(({ description }) => (typeof description === 'string' ? [description] : []))
}

/** Inside the transaction: makes the object a second time in a mirror schema and compares the two. */
async function compareInMirror(
  connection: Queries,
  sqlText: string,
  subject: Subject,
  targetSchema: string | null,
): Promise<Comparison> {
  const resolved = await resolveNames(connection, subject, targetSchema)
  if (!resolved) return 'unknown'
  const { path, object, copies } = resolved
  const stem = `tenantry_scratch_${randomBytes(6).toString('hex')}`
  const sources = [...new Set([object.schema, ...copies.map(({ schema }) => schema)])]
  const mirrors = new Map(sources.map((source, index) => [source, `${stem}_${index}`]))
  for (const mirror of mirrors.values()) await connection.query(`CREATE SCHEMA ${mirror}`)
  await copyTables(connection, subject, copies, mirrors)

  const searched = path.flatMap((entry) => [mirrors.get(entry) ?? [], quoteIdentifier(entry)].flat())
  await connection.query(`SELECT set_config('search_path', ${quoteLiteral(searched.join(', '))}, true)`)
  await connection.query(moveStatement(sqlText, mirrors, [object, ...copies]))

  // With nothing on the path every name is shown with its schema, which is then the only difference.
  await connection.query(`SELECT set_config('search_path', 'pg_catalog', true)`)
  const mirror = mirrors.get(object.schema) ?? ''
  const made = await readDescriptions(connection, describeSubject(subject, mirror, null))
  const like = `(SELECT f.oid FROM pg_proc f JOIN pg_namespace m ON m.oid = f.pronamespace
    WHERE m.nspname = ${quoteLiteral(mirror)} AND f.proname = ${quoteLiteral(subject.name.name)})`
  const there = await readDescriptions(connection, describeSubject(subject, object.schema, like))
  const wanted = made[0]
  if (wanted === undefined) return 'unknown'
  const [quoted] = await connection.query(
    `SELECT ${sources.map((source, index) => `to_json(quote_ident(${quoteLiteral(source)}))::text AS s${index}`).join(', ')}`,
  )
  const expected = sources.reduce(
    (text, source, index) =>
      text.replaceAll(`${mirrors.get(source)}.`, () => `${String(quoted?.[`s${index}`]).slice(1, -1)}.`),
    wanted,
  )
  return there.includes(expected) ? 'equal' : 'different'
}

/**
 * For "already exists" errors: does the object in the way equal what the statement makes?
 *
 * The statement runs a second time against an empty schema, in a transaction that is always rolled back, and the
 * catalog's own descriptions are compared. Tables that it refers to are replaced by empty copies, so that it takes no
 * lock on them that anybody could notice. Indexes of a table are objects of their own and not part of the comparison.
 *
 * Knows tables, added columns and constraints, indexes, views, sequences, functions, enums, composite types and domains.
 * `unknown`: another kind, no CREATE privilege on the database, nothing in the way, or a lock was not to be had. Must not
 * be called inside a transaction.
 *
 * @param sqlText the statement as it was sent
 * @param schema the target's schema; null: the connection's default search path
 * @throws {@link DatabaseError} when the connection is lost
 */
export async function compareExisting(
  connection: Pick<Connection, 'query'>,
  sqlText: string,
  schema: string | null,
): Promise<Comparison> {
  await loadParser()
  let subject: Subject | null
  try {
    const { statements } = parseSql(sqlText)
    const [statement] = statements
    if (!statement || statements.length > 1) return 'unknown'
    subject = readSubject({ [statement.type]: statement.node } as unknown as Node)
  } catch (error) {
    if (error instanceof SqlSyntaxError) return 'unknown'
    throw error
  }
  if (!subject) return 'unknown'
  let lost = false
  try {
    await connection.query('BEGIN')
    await connection.query(
      `SELECT set_config('lock_timeout', '${lockTimeoutMs}', true),
        set_config('statement_timeout', '${statementTimeoutMs}', true),
        set_config('check_function_bodies', 'off', true),
        set_config('search_path', '', true)`,
    )
    return await compareInMirror(connection, sqlText, subject, schema)
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error
    lost = error.failure.kind === 'connection-lost'
    if (lost) throw error
    return 'unknown'
  } finally {
    if (!lost) await connection.query('ROLLBACK')
  }
}
