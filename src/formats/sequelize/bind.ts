import { AsyncLocalStorage } from 'node:async_hooks'
import { type CodeContext, CodeFault, type CodeSession } from '../../model/code.ts'
import { TenantryError } from '../../model/errors.ts'
import type { DialectName } from '../../model/server.ts'
import { isThenable } from '../is-thenable.ts'
import { countQuery, type OpenQueries, settleQueries } from '../open-queries.ts'
import { findSequelize, type Tool } from './find-sequelize.ts'
import { openingSettings } from './opening-settings.ts'
import type { QueryInterface, RawClient, Sequelize } from './sequelize-types.ts'

/** Runs functions of migrations on Sequelize instances that live on our sessions. */
export interface Bind {
  /** Finds the project's own sequelize. Throws DRIVER_MISSING, MIGRATION_UNSUPPORTED. */
  prepare(): Promise<void>
  run(context: CodeContext, task: Task): Promise<void>
  /** What Sequelize sets when it connects. */
  session(dialect: DialectName): readonly string[]
}

/** One direction of one migration. */
export interface Task {
  /** Its id. */
  migration: string
  call(...args: readonly unknown[]): unknown
  /** How many it declares. */
  parameters: number
  /** Name and absolute path of the file, as umzug gives them. */
  name: string
  path: string
  shown: string
}

/** A migration that is being run. */
interface Run extends OpenQueries {
  session: CodeSession
  /** What it did and must not do, also if it went on as if nothing had been. */
  fault: CodeFault | null
  over: boolean
  /** Connections that were given back. */
  free: unknown[]
}

/** Which migration code belongs to, also when it comes back after another one has begun. */
const running = new AsyncLocalStorage<Run>()

/** An instance for one target over one connection, and the migration it works for now. */
interface Bound {
  tool: Tool
  schema: string | null
  instance: Sequelize
  run: Run
}

/**
 * Binds migrations to the project's own sequelize, looked for from each of these folders in turn. `settings`: the
 * project's config for sequelize-cli.
 */
export function bindSequelize(settings: Readonly<Record<string, unknown>>, folders: readonly string[]): Bind {
  const kept = new WeakMap<object, Bound>()
  let found: Promise<Tool> | null = null
  const find = () => {
    found ??= findSequelize(folders).then((tool) => {
      watch(tool)
      return tool
    })
    return found
  }
  const instanceFor = (tool: Tool, run: Run): Sequelize => {
    const { owner, schema } = run.session
    const known = kept.get(owner)
    if (known !== undefined && known.tool === tool && known.schema === schema) {
      known.run = run
      return known.instance
    }
    const instance = tool.make(run.session, settings)
    const bound: Bound = { tool, schema, instance, run }
    takeOver(tool, instance, () => running.getStore() ?? bound.run)
    kept.set(owner, bound)
    return instance
  }
  return {
    async prepare() {
      await find()
    },
    session: (dialect) => openingSettings(dialect, settings),
    async run({ session, direction, target }, task) {
      const tool = await find()
      const run: Run = { session, fault: null, over: false, free: [], begun: 0, open: new Set() }
      const instance = instanceFor(tool, run)
      try {
        await running.run(run, async () => {
          await tool.begin(instance)
          const result = task.call(givenTo(task, instance, tool), tool.argument)
          await result
          await settleQueries(run)
          if (task.parameters >= 2 && !isThenable(result)) throw noPromise(task, direction, target)
        })
      } catch (error) {
        throw findFault(error) ?? error
      } finally {
        run.over = true
      }
      if (run.fault !== null) throw run.fault
    },
  }
}

/** Every connection of the instance is one of ours; it opens none, and asks the server nothing by itself. */
function takeOver(tool: Tool, instance: Sequelize, runOf: () => Run): void {
  tool.managerOf(instance)[tool.connect] = async () => refuse(runOf())
  tool.replacePool(instance, {
    async acquire() {
      const run = runOf()
      if (run.over) throw new CodeFault('late', 'it used its queryInterface after it had returned')
      return run.free.pop() ?? tool.dress(run.session.acquire() as RawClient, instance, run.session.dialect)
    },
    release(connection) {
      runOf().free.push(connection)
    },
  })
  const query = instance.query.bind(instance)
  instance.query = async (...args) => {
    return countQuery(runOf(), () => query(...args))
  }
}

const watched = new WeakSet<object>()

/** Instances that a migration makes, or a module that it imports, must not connect to anything while it runs. */
function watch({ Sequelize: tool, managerOf, connect, onInstance }: Tool): void {
  if (watched.has(tool)) return
  watched.add(tool)
  onInstance((instance) => {
    const manager = managerOf(instance)
    // Sequelize 6 opens files without a pool.
    for (const name of instance.options.dialect === 'sqlite' ? [connect, 'getConnection'] : [connect]) {
      const original = manager[name] as (...args: unknown[]) => Promise<unknown>
      manager[name] = function (...args) {
        const run = running.getStore()
        return run === undefined ? original.apply(this, args) : refuse(run)
      }
    }
  })
}

function refuse(run: Run): Promise<never> {
  run.fault ??= new CodeFault(
    'own-connection',
    'it tried to open a connection of its own with another Sequelize instance',
  )
  return Promise.reject(run.fault)
}

/**
 * sequelize-cli gives a query interface and the class; umzug one object with `context`, `name` and `path`. Two
 * parameters are the former. A single one can be either (`(queryInterface)`, `({ context })`, `(params)`), so what it
 * gets answers as both. A context that is expected to be the instance, or to hold it, is answered, too.
 */
function givenTo({ parameters, name, path }: Task, instance: Sequelize, tool: Tool): object {
  const { queryInterface } = instance
  if (parameters >= 2) return queryInterface
  const context = extend(queryInterface, {
    queryInterface,
    getQueryInterface: () => queryInterface,
    query: instance.query.bind(instance),
    transaction: instance.transaction.bind(instance),
    define: instance.define.bind(instance),
    Sequelize: tool.Sequelize,
    DataTypes: tool.DataTypes,
  })
  return extend(queryInterface, { context, name, path })
}

function extend(queryInterface: QueryInterface, more: Readonly<Record<string, unknown>>): object {
  return Object.assign(Object.create(queryInterface) as object, more)
}

function noPromise({ migration, shown }: Task, direction: 'up' | 'down', target: string): TenantryError {
  return new TenantryError(
    'MIGRATION_FAILED',
    `Migration ${migration} failed in ${target}: \`${direction}\` returned no promise, so nobody can wait for it.`,
    {
      hint: `Make \`${direction}\` an async function and await its queries, or return them: sequelize-cli refuses it, too.`,
      context: { target, migration, file: shown },
    },
  )
}

/** Sequelize wraps what a connection throws in errors of its own. */
function findFault(error: unknown): CodeFault | null {
  for (let at = error, depth = 0; at instanceof Error && depth < 4; depth++) {
    if (at instanceof CodeFault) return at
    const { original, cause } = at as Error & { original?: unknown }
    at = original ?? cause
  }
  return null
}
