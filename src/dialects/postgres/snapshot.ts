import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Connection, DatabaseError } from '../../model/dialect.ts'
import type { Snapshot, Snapshots } from '../../model/places.ts'
import { makeClient } from './connection.ts'
import { dumpNative, findNativeDump } from './dump-native.ts'
import { dumpPackaged, findPackagedDump } from './dump-packaged.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'
import { removal } from './removal.ts'

/** Rows in one INSERT. */
const rowsPerInsert = 200

/** Quotes, backslashes and dollars would mean something else inside a string or a body of a function. */
const plain = /^[^'"\\$]+$/

/**
 * A schema with a name that must be quoted is written in quotes wherever pg_dump names it: in definitions, in defaults,
 * in bodies. That text is what gets replaced. Where the name is left over in another form, there is no snapshot.
 */
export const snapshots: Snapshots = {
  fits: (schema) => plain.test(schema),
  async take(connection, schema) {
    if (schema === null) return { why: 'only schemas are written down here' }
    const text = await dump(connection, schema)
    if (typeof text !== 'string') return text
    const body = tidy(text, schema)
    const snapshot = { statements: [body], placeholder: schema }
    const left = fill(snapshot, 'x').includes(schema)
    return left ? { why: `its own name is in it in a form that cannot be replaced` } : snapshot
  },
  async load(connection, schema, snapshot) {
    const text = `BEGIN;\n${opening}\n${fill(snapshot, schema ?? 'public')}\nCOMMIT;\nRESET ALL;`
    try {
      await connection.run(text)
    } catch (error) {
      if (!connection.broken) await connection.run('ROLLBACK')
      throw error
    }
  },
}

function fill({ statements, placeholder }: Snapshot, schema: string): string {
  const text = statements.join('\n')
  if (placeholder === null) return text
  return text
    .replaceAll(quoteIdentifier(placeholder), () => quoteIdentifier(schema))
    .replaceAll(quoteLiteral(placeholder), () => quoteLiteral(schema))
}

/** As pg_dump sets them, but for this transaction only. */
const opening = `SELECT pg_catalog.set_config('search_path', '', true), pg_catalog.set_config('check_function_bodies', 'off', true), pg_catalog.set_config('xmloption', 'content', true), pg_catalog.set_config('row_security', 'off', true), pg_catalog.set_config('standard_conforming_strings', 'on', true), pg_catalog.set_config('statement_timeout', '0', true), pg_catalog.set_config('client_min_messages', 'warning', true);`

const sessionLine =
  /^(?:SET (?:statement_timeout|lock_timeout|idle_in_transaction_session_timeout|transaction_timeout|client_encoding|standard_conforming_strings|check_function_bodies|xmloption|client_min_messages|row_security) = .*;|SELECT pg_catalog\.set_config\('search_path', '', false\);|\\(?:un)?restrict .*)$/

/** Without what sets up a session, makes the schema, or is for psql. What comes after may be somebody's data, and stays. */
function tidy(text: string, schema: string): string {
  const lines = text.split('\n')
  const first = lines.indexOf(`CREATE SCHEMA ${quoteIdentifier(schema)};`)
  const opened = lines.slice(0, Math.max(0, first)).filter((line) => !sessionLine.test(line) && !line.startsWith('--'))
  const rest = lines.slice(first + 1)
  while (rest.at(-1)?.trim() === '' || rest.at(-1)?.startsWith('\\unrestrict ') === true) rest.pop()
  // Headings name the schema as it is.
  return [...opened, ...rest].join('\n').replaceAll(`; Schema: ${schema}; Owner: `, '; Owner: ')
}

async function dump(connection: Connection, schema: string): Promise<string | { why: string }> {
  const { server, database, version } = connection
  const args = [
    `--schema="${schema.replaceAll('"', '""')}"`,
    '--no-owner',
    '--inserts',
    `--rows-per-insert=${rowsPerInsert}`,
    '--no-tablespaces',
    '--no-publications',
    '--no-subscriptions',
  ]
  const native = await findNativeDump(version)
  const packaged = native === null ? findPackagedDump() : null
  try {
    if (native !== null) {
      const folder = await mkdtemp(join(tmpdir(), 'tenantry-dump-'))
      try {
        const recipe = removal.dump(server, database, schema, { file: 'x.sql', folder })
        if (recipe.by !== 'program') return { why: 'pg_dump cannot be run' }
        for (const { path, text } of recipe.secrets) await writeFile(path, text, { mode: 0o600, flag: 'wx' })
        return await dumpNative(native, [...args, '--no-password'], recipe.env)
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    }
    if (packaged === null) {
      const major = Math.floor(version / 10_000)
      return { why: `there is no pg_dump ${major} or newer; \`npm install @electric-sql/pglite-tools\` brings one` }
    }
    return await dumpPackaged(await makeClient(server, database), packaged, args)
  } catch (error) {
    if (error instanceof DatabaseError) throw error
    const message = error instanceof Error ? error.message : String(error)
    const password = server.password?.reveal()
    const clean = password ? message.replaceAll(password, '[secret]') : message
    return { why: `pg_dump failed: ${clean.trim().split('\n').slice(-3).join(' ').slice(0, 500)}` }
  }
}
