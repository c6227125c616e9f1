import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, linkSync, rmSync } from 'node:fs'
import { type Connection, DatabaseError } from '../../model/dialect.ts'
import { TenantryError } from '../../model/errors.ts'
import type { Dropped, Made, Places, Templates } from '../../model/places.ts'
import { placeTable } from '../../model/places.ts'
import type { ServerAddress } from '../../model/server.ts'
import { connect } from './connection.ts'
import { createFile, fileOf, removeFile } from './files.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'
import { scratch } from './scratch.ts'

const options = { connectTimeoutMs: 10_000, applicationName: 'tenantry' }

const nothing = () =>
  Promise.reject(new TenantryError('INTERNAL', 'A place of SQLite is a file; it has no schemas and no roles.'))

/** What the one row of the table says; null: there is no such table. */
async function readText(server: ServerAddress, name: string): Promise<string | null> {
  const connection = await connect(server, name, options)
  try {
    const [table] = await connection.query("SELECT 1 AS one FROM sqlite_master WHERE type = 'table' AND name = ?", [
      placeTable,
    ])
    if (table === undefined) return null
    const [row] = await connection.query(`SELECT mark FROM ${quoteIdentifier(placeTable)}`)
    return row === undefined ? null : String(row.mark)
  } finally {
    await connection.close()
  }
}

/** Written into a file that nobody else knows yet. All of it is in the one file then. */
async function writeText(server: ServerAddress, name: string, text: string): Promise<void> {
  const connection = await connect(server, name, options)
  try {
    const table = quoteIdentifier(placeTable)
    const { failure } = await connection.pipeline([
      'BEGIN IMMEDIATE',
      `CREATE TABLE IF NOT EXISTS ${table} (mark TEXT NOT NULL)`,
      `DELETE FROM ${table}`,
      `INSERT INTO ${table} (mark) VALUES (${quoteLiteral(text)})`,
      'COMMIT',
    ])
    if (failure !== null) throw new DatabaseError(failure)
    await connection.query('PRAGMA wal_checkpoint(TRUNCATE)')
  } finally {
    await connection.close()
  }
}

function draftName(mark: string): string {
  return `tenantry_new_${createHash('sha256').update(mark).digest('hex').slice(0, 32)}`
}

/** Gives a file its name, if no other has it; both are one file for a moment. */
function takeName(server: ServerAddress, from: string, name: string): boolean {
  try {
    linkSync(fileOf(server, from), fileOf(server, name))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw fileError(error)
    return false
  } finally {
    removeFile(fileOf(server, from))
  }
  return true
}

function fileError(error: unknown): DatabaseError {
  const { code, message } = error as NodeJS.ErrnoException
  const full = code === 'ENOSPC' || code === 'EDQUOT'
  return new DatabaseError(
    {
      kind: 'statement',
      message: full ? 'database or disk is full' : message,
      detail: null,
      sqlstate: code ?? null,
      position: null,
    },
    error,
  )
}

async function makeDatabase(
  { server }: Connection,
  name: string,
  mark: string,
  template: string | null,
): Promise<Made> {
  const state = async (): Promise<Made> => ((await readText(server, name)) === mark ? 'there' : 'taken')
  if (existsSync(fileOf(server, name))) return state()
  const draft = draftName(mark)
  const path = fileOf(server, draft)
  removeFile(path)
  try {
    if (template === null) createFile(path)
    else copyFileSync(fileOf(server, template), path)
    await writeText(server, draft, mark)
  } catch (error) {
    removeFile(path)
    throw error instanceof DatabaseError ? error : fileError(error)
  }
  return takeName(server, draft, name) ? 'made' : state()
}

const templates: Templates = {
  // Processes that build at the same time each have a file of their own, and one of them is published.
  draftOf: (name) => `${name}_new_${process.pid.toString(36)}`,
  async list(connection, prefix) {
    const names = await scratch.listDatabases(connection, prefix)
    const found = []
    for (const name of names) {
      if (/_new_\w+$/.test(name)) continue
      found.push({ name, note: (await readText(connection.server, name).catch(() => null)) ?? '' })
    }
    return found
  },
  async begin({ server }, name) {
    removeFile(fileOf(server, name))
    createFile(fileOf(server, name))
  },
  async publish({ server }, from, name, note) {
    await writeText(server, from, note)
    takeName(server, from, name)
  },
  async drop({ server }, name) {
    removeFile(fileOf(server, name))
  },
}

/** Who may open a file is for the file system to say. */
export const places: Places = {
  longestNameBytes: 63,
  longestRoleBytes: null,
  makeRole: nothing,
  makeDatabase,
  makeSchema: nothing,
  grant: async () => {},
  async dropDatabase({ server }, name, mark): Promise<Dropped> {
    if (mark !== null) rmSync(fileOf(server, draftName(mark)), { force: true })
    if (!existsSync(fileOf(server, name))) return 'gone'
    if (mark !== null && (await readText(server, name)) !== mark) return 'taken'
    removeFile(fileOf(server, name))
    return 'dropped'
  },
  dropSchema: nothing,
  dropRole: nothing,
  templates,
}
