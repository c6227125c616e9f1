import { AsyncLocalStorage } from 'node:async_hooks'
import { type CodeContext, CodeFault } from '../../model/code.ts'
import { type OpenQueries, settleQueries } from '../open-queries.ts'
import { findDriverClasses, findKysely, type Tool } from './find-kysely.ts'
import type { Driver } from './kysely-types.ts'
import { type Listener, makeInstance } from './make-instance.ts'
import type { KyselyConfig } from './read-config.ts'

/** Runs functions of migrations on Kysely instances that live on our sessions. */
export interface Bind {
  /** What the config says: in a transaction, or not. */
  transactions: boolean
  /** Finds the project's own kysely. Throws DRIVER_MISSING. */
  prepare(): Promise<void>
  run(context: CodeContext, call: (...args: readonly unknown[]) => unknown): Promise<void>
}

/** A migration that is being run. */
interface Run extends OpenQueries {
  /** What it did and must not do, also if it went on as if nothing had been. */
  fault: CodeFault | null
  /** Its function has returned. */
  returned: boolean
  /** Nothing of it is waited for any more. */
  over: boolean
  /** Of the first query that failed when nobody of the code was there any more. */
  unseen: { error: unknown } | null
}

/** Which migration code belongs to. */
const running = new AsyncLocalStorage<Run>()

/** Drivers of instances of ours: they may connect, since they do not. */
const ours = new WeakSet<Driver>()

/** Binds migrations to the project's own kysely, looked for from each of these folders in turn. */
export function bindKysely(config: KyselyConfig | null, folders: readonly string[]): Bind {
  let found: Promise<{ tool: Tool; plugins: readonly unknown[] }> | null = null
  const find = () => {
    found ??= (async () => {
      const tool = await findKysely(folders)
      watch(await findDriverClasses(tool, folders))
      return { tool, plugins: (await config?.plugins()) ?? [] }
    })()
    return found
  }
  return {
    transactions: config?.migrations.disableTransactions !== true,
    async prepare() {
      await find()
    },
    async run({ session }, call) {
      const { tool, plugins } = await find()
      const run: Run = { fault: null, returned: false, over: false, begun: 0, open: new Set(), unseen: null }
      const listener: Listener = {
        async acquire() {
          if (run.over) throw new CodeFault('late', 'it used its db after it had returned; is an await missing?')
          return session.acquire()
        },
        sent: (query) => follow(run, query),
        made: (driver) => void ours.add(driver),
      }
      try {
        await running.run(run, async () => {
          await call(makeInstance(tool, session, plugins, listener))
          run.returned = true
          await settleQueries(run)
        })
      } finally {
        run.over = true
      }
      if (run.fault !== null) throw run.fault
      if (run.unseen !== null) throw run.unseen.error
    },
  }
}

function follow(run: Run, query: Promise<unknown>): void {
  run.begun++
  run.open.add(query)
  const end = () => void run.open.delete(query)
  query.then(end, (error: unknown) => {
    end()
    if (run.returned) run.unseen ??= { error }
  })
}

const watched = new WeakSet<Driver>()

/** Instances that a migration makes, or a module that it imports, must not connect to anything while it runs. */
function watch(drivers: readonly Driver[]): void {
  for (const driver of drivers) {
    if (watched.has(driver)) continue
    watched.add(driver)
    const original = driver.acquireConnection
    driver.acquireConnection = function (this: Driver, ...args: []) {
      const run = running.getStore()
      if (run === undefined || ours.has(this)) return original.apply(this, args)
      run.fault ??= new CodeFault(
        'own-connection',
        'it tried to open a connection of its own with another Kysely instance',
      )
      return Promise.reject(run.fault)
    }
  }
}
