import { accessSync, closeSync, constants, existsSync, mkdirSync, openSync, rmSync, statSync } from 'node:fs'
import { devNull } from 'node:os'
import { dirname, isAbsolute, relative, resolve, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import { databaseFile } from '../../model/database-file.ts'
import { DatabaseError } from '../../model/dialect.ts'
import type { ServerAddress } from '../../model/server.ts'
import { lockFiles } from './lock-file.ts'
import { missing } from './missing.ts'
import { refuseMaking, remoteOptions } from './remote-place.ts'

/**
 * Absolute path of a database's file. Throws CONFIG_INVALID for a remote server, {@link DatabaseError} for a name that leads out of the server's folder:
 * names come from tables, too.
 */
export function fileOf(server: ServerAddress, database: string): string {
  if (server.host !== '') refuseMaking(server)
  const folder = server.directory ?? resolve('.')
  const path = resolve(folder, databaseFile(database))
  const inside = relative(folder, path)
  if (inside === '' || inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside) || path.includes('\0')) {
    throw missing(`the database "${database}" is not a file within the folder of its server`)
  }
  return path
}

/** For an application: `filename` for Knex, better-sqlite3 and sqlite3, `url` for libSQL's client. */
export function driverOptions(server: ServerAddress, database: string): Record<string, unknown> {
  if (server.host !== '') return remoteOptions(server, database)
  const filename = fileOf(server, database)
  return { filename, url: pathToFileURL(filename).href }
}

/**
 * Why a file that is there could not be opened; null: SQLite's own word is all that is known. The file itself is not
 * opened: see {@link createFile}.
 */
export function explainUnopened(path: string): DatabaseError | null {
  const failure = (kind: 'database-unusable' | 'too-many-connections', message: string) =>
    new DatabaseError({ kind, message, detail: null, sqlstate: null, position: null })
  try {
    accessSync(path, constants.R_OK)
  } catch {
    return failure('database-unusable', `the file ${path} cannot be read: permission denied`)
  }
  try {
    closeSync(openSync(devNull, 'r'))
    return null
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EMFILE' && code !== 'ENFILE') return null
    return failure('too-many-connections', 'this process has as many files open as it may have (`ulimit -n`)')
  }
}

/** Why a file that should be there could not be opened; null: it is there. Opens nothing: see {@link createFile}. */
export function explainMissing(path: string): DatabaseError | null {
  try {
    const found = statSync(path)
    return found.isFile() ? null : missing(`${path} is not a file`)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return missing(`the file ${path} does not exist`)
    return null
  }
}

/**
 * Makes a database: an empty file, with the folders it is in. The one place where a file is made. Throws
 * {@link DatabaseError} (`already-exists`) where there is one.
 *
 * A file that exists is never opened here: closing it would let go of every lock that this process has on it
 * (https://sqlite.org/howtocorrupt.html, 2.2).
 */
export function createFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true })
  try {
    closeSync(openSync(path, 'wx'))
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new DatabaseError({
      kind: code === 'EEXIST' ? 'already-exists' : 'statement',
      message: code === 'EEXIST' ? `the file ${path} exists already` : `the file ${path} cannot be made: ${message}`,
      detail: null,
      sqlstate: null,
      position: null,
    })
  }
}

/** Takes a database away, with what SQLite and we keep beside it. Nothing happens where there is none. */
export function removeFile(path: string): void {
  for (const file of [path, `${path}-wal`, `${path}-shm`, `${path}-journal`, ...lockFiles(path)]) {
    if (existsSync(file)) rmSync(file, { force: true })
  }
}
