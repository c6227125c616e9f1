import { type CodeContext, CodeFault } from '../../model/code.ts'
import { TenantryError } from '../../model/errors.ts'
import { isThenable } from '../is-thenable.ts'
import { settleQueries } from '../open-queries.ts'
import { loadUserPackage } from '../user-package.ts'
import type { ProjectSource } from './data-source.ts'
import { enterSchema, makeSource } from './make-source.ts'
import { type ProjectClasses, readProjectClasses } from './project-classes.ts'
import type { DataSource, DataSourceClass, MigrationInstance, QueryRunner } from './typeorm-types.ts'
import { type Run, running, watchSources } from './watch-sources.ts'

/** Runs migrations on data sources that live on our sessions. */
export interface Bind {
  /** What the project's `migrationsTransactionMode` says for migrations that say nothing. */
  transactions: boolean
  /** Finds the project's own typeorm, and reads its entities. Throws DRIVER_MISSING, MIGRATIONS_UNREADABLE. */
  prepare(): Promise<void>
  run(context: CodeContext, task: Task): Promise<void>
}

/** One direction of one migration. */
export interface Task {
  /** Its id. */
  migration: string
  instance: MigrationInstance
  transaction: boolean
  /** It does nothing, so that it need not return a promise. */
  empty: boolean
  shown: string
}

interface Tool extends ProjectClasses {
  DataSource: DataSourceClass
}

/** A data source over one connection, and the migration it works for now. */
interface Bound {
  source: Promise<DataSource>
  wholeDatabase: boolean
  run: Run
}

/** Binds migrations to the project's own typeorm, looked for from each of these folders in turn. */
export function bindTypeorm(project: ProjectSource | null, folders: readonly string[]): Bind {
  const settings = project?.options ?? {}
  const kept = new WeakMap<object, Bound>()
  let found: Promise<Tool> | null = null
  const find = () => {
    found ??= findTool(project, folders)
    return found
  }
  const sourceFor = async (tool: Tool, run: Run): Promise<DataSource> => {
    const { owner, schema } = run.session
    const known = kept.get(owner)
    if (known !== undefined && known.wholeDatabase === (schema === null)) {
      known.run = run
      const source = await known.source
      enterSchema(source, schema)
      return source
    }
    const bound: Partial<Bound> & { run: Run } = { run, wholeDatabase: schema === null }
    bound.source = makeSource(tool.DataSource, run.session, settings, tool, () => running.getStore() ?? bound.run)
    kept.set(owner, bound as Bound)
    bound.source.catch(() => kept.delete(owner))
    return bound.source
  }
  return {
    transactions: settings.migrationsTransactionMode !== 'none',
    async prepare() {
      await find()
    },
    async run({ session, direction, target }, task) {
      const tool = await find()
      const run: Run = { session, fault: null, over: false, begun: 0, open: new Set() }
      try {
        await running.run(run, async () => {
          const source = await sourceFor(tool, run)
          // Where the server undoes DDL, what runs without a transaction of ours is to have none: it did not work in one.
          const wrapped = task.transaction && (session.transaction || session.dialect === 'mysql')
          session.holdsOutermost = wrapped
          const runner = source.createQueryRunner()
          try {
            await source.driver.createSchemaBuilder().createMetadataTableIfNecessary?.(runner)
            const work = async () => {
              const result = Reflect.apply(task.instance[direction] as () => unknown, task.instance, [runner])
              await result
              await settleQueries(run)
              if (direction === 'up' && !task.empty && !isThenable(result)) throw noPromise(task, direction, target)
            }
            if (wrapped) await inTransaction(runner, run, work)
            else await alone(runner, work)
          } finally {
            if (!runner.isReleased) await runner.release()
          }
        })
      } catch (error) {
        throw run.fault ?? findFault(error) ?? error
      } finally {
        run.over = true
      }
      if (run.fault !== null) throw run.fault
    },
  }
}

async function findTool(project: ProjectSource | null, folders: readonly string[]): Promise<Tool> {
  const { exports, version } = await loadUserPackage('typeorm', folders)
  const holder = exports as { DataSource?: DataSourceClass; default?: { DataSource?: DataSourceClass } }
  const DataSource = holder.DataSource ?? holder.default?.DataSource
  if (DataSource === undefined || /^0\.[0-2]\./.test(version)) {
    throw new TenantryError(
      'MIGRATION_UNSUPPORTED',
      `The project has typeorm ${version}; version 0.3 or 1 is needed to run its migrations.`,
      { hint: 'Install it in the project: npm install typeorm@1' },
    )
  }
  watchSources(exports)
  return { DataSource, ...(await readProjectClasses(exports, project)) }
}

/** As TypeORM opens it for a migration; in ours it is a savepoint. What the code itself does to it is noticed. */
async function inTransaction(runner: QueryRunner, run: Run, work: () => Promise<void>): Promise<void> {
  const { commitTransaction, rollbackTransaction, startTransaction } = runner
  await runner.beforeMigration()
  await runner.startTransaction()
  let depth = 0
  const refuse = (kind: 'ended-ours' | 'rolled-back', what: string) => {
    run.fault ??= new CodeFault(kind, what)
    return Promise.reject(run.fault)
  }
  runner.startTransaction = async (...args) => {
    await startTransaction.apply(runner, args)
    depth++
  }
  runner.commitTransaction = async () => {
    if (depth === 0)
      return refuse('ended-ours', 'it committed the transaction that it was given (`queryRunner.commitTransaction()`)')
    await commitTransaction.call(runner)
    depth--
  }
  runner.rollbackTransaction = async () => {
    if (depth === 0)
      return refuse('rolled-back', 'it rolled back the transaction that it was given (`rollbackTransaction()`)')
    await rollbackTransaction.call(runner)
    depth--
  }
  await work()
  if (run.fault !== null) throw run.fault
  if (depth > 0) throw new CodeFault('left-open', 'it began a transaction and did not end it')
  await commitTransaction.call(runner)
  await runner.afterMigration()
}

async function alone(runner: QueryRunner, work: () => Promise<void>): Promise<void> {
  await work()
  if (runner.isTransactionActive) throw new CodeFault('left-open', 'it began a transaction and did not end it')
}

function noPromise({ migration, shown }: Task, direction: 'up' | 'down', target: string): TenantryError {
  return new TenantryError(
    'MIGRATION_FAILED',
    `Migration ${migration} failed in ${target}: \`${direction}\` returned no promise, so nobody can wait for it.`,
    {
      hint: `Make \`${direction}\` an async function and await its queries: TypeORM refuses it, too.`,
      context: { target, migration, file: shown },
    },
  )
}

/** TypeORM wraps what a connection throws in errors of its own. */
function findFault(error: unknown): CodeFault | null {
  for (let at = error, depth = 0; at instanceof Error && depth < 4; depth++) {
    if (at instanceof CodeFault) return at
    const { driverError, cause } = at as Error & { driverError?: unknown }
    at = driverError ?? cause
  }
  return null
}
