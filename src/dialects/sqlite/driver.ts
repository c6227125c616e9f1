import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { TenantryError } from '../../model/errors.ts'
import { noteClosed } from './handles.ts'

export type Row = Record<string, unknown>
/** What a parameter may be once it has been made fit for SQLite. */
export type Value = string | number | bigint | null | Uint8Array

/** One open file. Everything is carried out at once, in this thread. */
export interface Handle {
  readonly inTransaction: boolean
  /** One or more statements, whose rows are passed over. Throws what the driver throws. */
  exec(text: string): void
  /** The rows of one statement. Throws what the driver throws. */
  all(text: string, values: readonly Value[]): Row[]
  /** One statement, with all that is known of what it did. Throws what the driver throws. */
  execute(text: string, values: readonly Value[]): Outcome
  close(): void
}

export interface Outcome {
  rows: Row[]
  columns: string[]
  changes: number
  lastInsertRowid: number | bigint
}

/** How a file is opened: `existing` never makes one; `memory` has none. */
export type Opening = { existing: string } | { memory: true }

export interface Driver {
  open(opening: Opening): Handle
}

/** The parts that `node:sqlite` and `libsql` have in common. */
interface Database {
  exec(text: string): void
  prepare(text: string): Statement
  close(): void
  readonly isTransaction?: boolean
  readonly inTransaction?: boolean
}

interface Statement {
  all(...values: Value[]): Row[]
  run(...values: Value[]): { changes: number | bigint; lastInsertRowid: number | bigint }
  columns(): { name: string }[]
  setReadBigInts?(on: boolean): void
  safeIntegers?(on: boolean): void
}

interface NodeSqlite {
  DatabaseSync: new (location: string) => Database
}

type Open = (location: string) => Database

/**
 * SQLite's own way to say that a file must exist. It is written as a URI, so that no character of a path means anything.
 * Source: https://sqlite.org/uri.html
 */
function locate(opening: Opening): string {
  return 'memory' in opening ? ':memory:' : `${pathToFileURL(opening.existing).href}?mode=rw`
}

let loaded: Driver | null = null

/**
 * `node:sqlite` where Node has it (from 22.16 on), else `libsql` of the user's project. Throws DRIVER_MISSING.
 *
 * All files of a process must go through one copy of SQLite: the locks that two of them take on the same file do not see
 * each other (https://sqlite.org/howtocorrupt.html, 2.2). So the choice is made once.
 */
export function loadDriver(): Driver {
  const native = loaded === null ? openWithNode() : null
  loaded ??= native === null ? makeDriver(openWithLibsql(), noteClosed) : makeDriver(native, () => {})
  return loaded
}

function openWithNode(): Open | null {
  const warn = process.emitWarning
  try {
    // It says that it is experimental, to whoever reads the output of a command.
    process.emitWarning = () => {}
    const builtin = process.getBuiltinModule?.('node:sqlite' as 'node:fs') as unknown as NodeSqlite | undefined
    if (builtin === undefined) return null
    const { DatabaseSync } = builtin
    const probe = new DatabaseSync(':memory:')
    const isFit = typeof probe.isTransaction === 'boolean'
    probe.close()
    return isFit ? (location) => new DatabaseSync(location) : null
  } catch {
    return null
  } finally {
    process.emitWarning = warn
  }
}

function openWithLibsql(): Open {
  let Library: new (location: string) => Database
  try {
    Library = createRequire(import.meta.url)('libsql') as typeof Library
  } catch (cause) {
    throw new TenantryError('DRIVER_MISSING', 'There is no driver for SQLite files.', {
      hint: 'Install one beside tenantry: npm install libsql. Node 22.16 and later has one of its own.',
      cause,
    })
  }
  return (location) => new Library(location)
}

/**
 * libsql gives a prepared statement up only when it is collected. One that met a lock stays in progress until then, and
 * keeps the next read's lock on the file, which nobody else gets past. So what begins and ends transactions is not
 * prepared, and what is tried again is the same statement, which comes to its end.
 */
const boundary = /^\s*(?:BEGIN|COMMIT|END|ROLLBACK|SAVEPOINT|RELEASE)\b/i

/** @param onClose is told how many statements were prepared for the file that has been closed */
function makeDriver(open: Open, onClose: (prepared: number) => void): Driver {
  return {
    open(opening) {
      const database = open(locate(opening))
      let prepared = 0
      let unfinished: { text: string; statement: Statement } | null = null
      const carryOut = <T>(text: string, values: readonly Value[], work: (statement: Statement) => T): T | null => {
        if (values.length === 0 && boundary.test(text)) {
          database.exec(text)
          return null
        }
        const statement = unfinished?.text === text ? unfinished.statement : database.prepare(text)
        if (unfinished?.text !== text) prepared++
        unfinished = { text, statement }
        statement.setReadBigInts?.(true)
        statement.safeIntegers?.(true)
        const done = work(statement)
        unfinished = null
        return done
      }
      /** After a statement that both changes rows and gives them. */
      const askLast = () => {
        const [row] = database.prepare('SELECT changes() AS changes, last_insert_rowid() AS id').all()
        return { changes: Number(row?.changes), lastInsertRowid: row?.id as number | bigint }
      }
      return {
        get inTransaction() {
          return (database.isTransaction ?? database.inTransaction) === true
        },
        exec: (text) => database.exec(text),
        all: (text, values) => carryOut(text, values, (statement) => statement.all(...values).map(readRow)) ?? [],
        execute(text, values) {
          const outcome = carryOut(text, values, (statement) => {
            const columns = statement.columns().map(({ name }) => name)
            if (columns.length > 0) return { columns, rows: statement.all(...values).map(readRow), told: null }
            return { columns, rows: [], told: statement.run(...values) }
          })
          if (outcome === null) return { rows: [], columns: [], changes: 0, lastInsertRowid: 0 }
          const { columns, rows, told } = outcome
          const { changes, lastInsertRowid } = told ?? (reads.test(text) ? readNothing : askLast())
          return { rows, columns, changes: Number(changes), lastInsertRowid: asNumber(lastInsertRowid) }
        },
        close() {
          database.close()
          onClose(prepared)
        },
      }
    },
  }
}

const reads = /^\s*(?:SELECT|VALUES|PRAGMA|EXPLAIN)\b/i
const readNothing = { changes: 0, lastInsertRowid: 0 }

function asNumber(value: number | bigint): number | bigint {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value
}

/** Whole numbers as numbers, as long as they are exact; larger ones as text. Bytes as a Buffer. */
function readRow(row: Row): Row {
  const read: Row = {}
  for (const [name, value] of Object.entries(row)) read[name] = readValue(value)
  return read
}

function readValue(value: unknown): unknown {
  if (typeof value === 'bigint') {
    const number = Number(value)
    return Number.isSafeInteger(number) ? number : String(value)
  }
  if (value instanceof ArrayBuffer) return Buffer.from(value)
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  return value
}
