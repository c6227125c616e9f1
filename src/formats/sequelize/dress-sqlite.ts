import { CodeFault } from '../../model/code.ts'
import type { RawClient } from './sequelize-types.ts'

interface Answer {
  rows: Record<string, unknown>[]
  changes: number
  lastInsertRowid: number | bigint
}

interface SqliteClient {
  execute(text: string, values: readonly unknown[] | Readonly<Record<string, unknown>>): Promise<Answer>
}

type Callback = (this: Statement, error: unknown, rows?: Record<string, unknown>[]) => void

/** What `this` is in a callback of the `sqlite3` package. Sequelize looks at its name. */
class Statement {
  lastID: number | bigint = 0
  changes = 0
}

/** The parts of the `sqlite3` package that Sequelize loads: no file is opened through it. */
export const sqliteModule = {
  OPEN_READONLY: 1,
  OPEN_READWRITE: 2,
  OPEN_CREATE: 4,
  Database: class {
    constructor() {
      throw new CodeFault('own-connection', 'it tried to open a file of its own')
    }
  },
}

/** A connection of ours as the `sqlite3` package has them: with callbacks, values by name or place. */
export function dressSqlite(client: SqliteClient): RawClient {
  const send = (
    text: string,
    rest: readonly unknown[],
    give: (answer: Answer) => Record<string, unknown>[] | undefined,
  ) => {
    const done = rest.find((one): one is Callback => typeof one === 'function')
    const [first] = rest
    const given = typeof first === 'function' || first === undefined ? [] : first
    const values = Array.isArray(given) || (typeof given === 'object' && given !== null) ? given : [given]
    const statement = new Statement()
    client.execute(text, values as readonly unknown[]).then(
      (answer) => {
        statement.lastID = answer.lastInsertRowid
        statement.changes = answer.changes
        tell(() => done?.call(statement, null, give(answer)))
      },
      (error: unknown) => tell(() => done?.call(statement, asDriver(error))),
    )
    return dressed
  }
  const dressed = {
    uuid: undefined,
    run: (text: string, ...rest: unknown[]) => send(text, rest, () => undefined),
    all: (text: string, ...rest: unknown[]) => send(text, rest, ({ rows }) => rows),
    get: (text: string, ...rest: unknown[]) => send(text, rest, ({ rows }) => rows[0] as never),
    exec: (text: string, done?: Callback) => send(text, [done], () => undefined),
    // What is sent is carried out in its order in any case.
    serialize: (work?: () => void) => work?.(),
    parallelize: (work?: () => void) => work?.(),
    close: (done?: (error: unknown) => void) => tell(() => done?.(null)),
  }
  return dressed as unknown as RawClient
}

/** In a turn of its own: what a callback throws is nobody's rejection. */
function tell(call: () => void): void {
  process.nextTick(call)
}

/** That package gives the first part of a code only: all constraints have the same. */
function asDriver(error: unknown): unknown {
  const { code } = (error ?? {}) as { code?: unknown }
  if (error instanceof Error && typeof code === 'string' && code.startsWith('SQLITE_CONSTRAINT_'))
    Object.assign(error, { code: 'SQLITE_CONSTRAINT' })
  return error
}
