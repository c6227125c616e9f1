import { readdirSync } from 'node:fs'
import { basename } from 'node:path'
import { DatabaseError } from '../../model/dialect.ts'
import { TenantryError } from '../../model/errors.ts'
import type { Scratch } from '../../model/picture.ts'
import { connect } from './connection.ts'
import { createFile, fileOf, removeFile } from './files.ts'

const noSchemas = () =>
  Promise.reject(new TenantryError('INTERNAL', 'A target of SQLite is a file; it holds no schemas.'))

/** Files for trying things out, in the folder of their server. */
export const scratch: Scratch = {
  /** In memory: no file has to be there. */
  home: '',
  async createDatabase({ server }, name) {
    createFile(fileOf(server, name))
  },
  /** A file hands nothing down to its tables. */
  async defaultsOf() {
    return null
  },
  async dropDatabase({ server }, name) {
    removeFile(fileOf(server, name))
  },
  createSchema: noSchemas,
  dropSchema: noSchemas,
  async listDatabases({ server }, prefix) {
    // Names are within the folder of the server.
    const folder = fileOf(server, `${prefix}x`)
    const files = readFolder(folder.slice(0, -basename(folder).length))
    const names = files.filter((name) => name.endsWith('.db')).map((name) => name.slice(0, -'.db'.length))
    return names.filter((name) => name.startsWith(prefix)).sort()
  },
  /** Who only has it open and does nothing in it cannot be seen. */
  async isInUse({ server }, name) {
    try {
      const own = await connect(server, name, { connectTimeoutMs: 0, applicationName: 'tenantry' })
      try {
        await own.query('BEGIN EXCLUSIVE')
        await own.query('ROLLBACK')
        return false
      } finally {
        await own.close()
      }
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error
      return error.failure.kind === 'lock-timeout'
    }
  },
}

function readFolder(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    // It is made with the first file.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
