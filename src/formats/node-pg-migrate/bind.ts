import { setTimeout as sleep } from 'node:timers/promises'
import type { BuiltSql, CodeContext } from '../../model/code.ts'
import { TenantryError } from '../../model/errors.ts'
import { describeThrown } from '../../model/thrown.ts'
import { type BuilderDatabase, findBuilder, type MakeBuilder, type MigrationBuilder } from './find-builder.ts'

/** Calls functions of migrations with a builder of the project's own node-pg-migrate. */
export interface Bind {
  /** Finds the project's own package. Throws DRIVER_MISSING. */
  prepare(): Promise<void>
  /** Calls it without a database, for what it builds. Throws MIGRATIONS_UNREADABLE with the file and what was wrong. */
  build(task: Task): Promise<BuiltSql>
  /** Calls it on a session of ours, and sends what it builds there. */
  run(context: CodeContext, task: Task): Promise<void>
}

/** One direction of one migration. */
export interface Task {
  call(...args: readonly unknown[]): unknown
  /** The function itself: its text and its number of parameters say what it expects. */
  // biome-ignore lint/complexity/noBannedTypes: whatever the file exports
  source: Function
  /** It is `up`, and what it builds is to be taken back. */
  reverse: boolean
  /** Short names of types: those of all files up to this one. Throws MIGRATIONS_UNREADABLE. */
  shorthands(): Promise<Readonly<Record<string, unknown>>>
  /** Absolute path, and the one for messages. */
  path: string
  shown: string
}

/** Longer than this nothing needs that asks no database: it waits for something that does not come. */
const buildLimitMs = 30_000

/** Binds migrations to the project's own node-pg-migrate, looked for from each of these folders in turn. */
export function bindBuilder(decamelize: boolean, folders: readonly string[]): Bind {
  let found: Promise<MakeBuilder> | null = null
  const find = () => {
    found ??= findBuilder(folders)
    return found
  }
  const buildOnce = async (task: Task): Promise<{ steps: readonly string[] | null; transaction: boolean }> => {
    let asks = false
    let sayAsked = () => {}
    const asked = new Promise<void>((resolve) => {
      sayAsked = resolve
    })
    // Nobody answers: the rest of the code belongs to a database, and must not go on without one.
    const ask = () => {
      asks = true
      sayAsked()
      return new Promise<never>(() => {})
    }
    const pgm = (await find())({ query: ask, select: ask }, await task.shorthands(), decamelize)
    if (task.reverse) pgm.enableReverseMode()
    const called = perform(pgm, task)
    called.catch(() => {})
    await within(Promise.race([called, asked]))
    const transaction = pgm.isUsingTransaction() && !(asks && refusesTransaction(task))
    return { steps: asks ? null : pgm.getSqlSteps(), transaction }
  }
  return {
    async prepare() {
      await find()
    },

    async build(task) {
      try {
        const { steps, transaction } = await buildOnce(task)
        if (steps === null) return { text: null, transaction }
        // Later by the clock, too: what holds a time or a random value has to be built for each target by itself.
        await sleep(2)
        const again = await buildOnce(task)
        const text = joinSteps(steps)
        const isSame = again.steps !== null && joinSteps(again.steps) === text && again.transaction === transaction
        return { text: isSame ? text : null, transaction }
      } catch (error) {
        throw describeBuild(task, error)
      }
    },

    async run({ session }, task) {
      const client = session.acquire() as Client
      const database: BuilderDatabase = {
        query: (...args) => client.query(...args),
        select: async (...args) => (await client.query(...args)).rows,
      }
      const pgm = (await find())(database, await task.shorthands(), decamelize)
      if (task.reverse) pgm.enableReverseMode()
      await perform(pgm, task)
      for (const step of pgm.getSqlSteps()) await client.query(step)
    },
  }
}

interface Client {
  query(...args: readonly unknown[]): Promise<{ rows: unknown }>
}

/** Two parameters: the second one is to be called at the end. Source: `_apply` in node-pg-migrate's `migration`. */
async function perform(pgm: MigrationBuilder, { call, source }: Task): Promise<void> {
  if (source.length !== 2) {
    await call(pgm)
    return
  }
  await new Promise<void>((resolve, reject) => {
    const returned = call(pgm, (error?: unknown) => (error instanceof Error ? reject(error) : resolve()))
    // The tool would wait for ever, or end with the process.
    Promise.resolve(returned).catch(reject)
  })
}

function refusesTransaction({ source }: Task): boolean {
  return /\bnoTransaction\s*\(/.test(Function.prototype.toString.call(source))
}

/** Steps are sent one by one by the tool; a comment at the end of one must not swallow what ends it. */
function joinSteps(steps: readonly string[]): string {
  return steps.map((step) => (/--[^\n]*$/.test(step) ? `${step}\n;` : step)).join('\n')
}

async function within<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('it did not come to its end within 30 s')), buildLimitMs)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

function describeBuild({ path, shown, reverse }: Task, error: unknown): TenantryError {
  const { message, line, column } = describeThrown(error, process.env, path)
  const context = {
    file: shown,
    ...(line === undefined ? {} : { line }),
    ...(column === undefined ? {} : { column }),
  }
  if (reverse) {
    return new TenantryError(
      'MIGRATIONS_UNREADABLE',
      `${shown} exports no \`down\`, and none can be inferred from its \`up\`: ${message}`,
      { hint: 'Write `down`; or say that there is no way back: `exports.down = false`.', context },
    )
  }
  const at = line === undefined ? '' : ` at line ${line}${column === undefined ? '' : `, column ${column}`}`
  return new TenantryError('MIGRATIONS_UNREADABLE', `${shown} failed${at} while it built its SQL: ${message}`, {
    hint: 'Correct the file and run the command again; nothing of it was carried out.',
    context,
  })
}
