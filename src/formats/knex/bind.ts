import { type CodeContext, CodeFault } from '../../model/code.ts'
import { TenantryError } from '../../model/errors.ts'
import { isThenable } from '../is-thenable.ts'
import { loadUserPackage } from '../user-package.ts'
import type { Knexfile } from './knexfile.ts'
import { faultOf, type Knex, type MakeKnex, makeInstance, type RunState } from './make-instance.ts'

/** Runs functions of migrations on Knex instances that live on our sessions. */
export interface Bind {
  /** What the knexfile says for migrations that say nothing: in a transaction, or not. */
  transactions: boolean
  /** Finds the project's own knex. Throws DRIVER_MISSING. */
  prepare(): Promise<void>
  run(context: CodeContext, task: Task): Promise<void>
}

/** One direction of one migration. */
export interface Task {
  call(...args: readonly unknown[]): unknown
  transaction: boolean
  /** What Knex's hooks get to know a migration by. */
  info: unknown
  /** It does nothing, so that it need not return a promise. */
  empty: boolean
  shown: string
}

/** Binds migrations to the project's own knex, looked for from each of these folders in turn. */
export function bindKnex(knexfile: Knexfile | null, folders: readonly string[]): Bind {
  let found: Promise<MakeKnex> | null = null
  const find = () => {
    found ??= loadUserPackage('knex', folders).then(({ module }) => module as MakeKnex)
    return found
  }
  const hooks = knexfile?.migrations ?? {}
  return {
    transactions: hooks.disableTransactions !== true,
    async prepare() {
      await find()
    },
    async run({ session, direction, target }, task) {
      const state: RunState = { fault: null, over: false, touched: false, transactions: [] }
      const knex = makeInstance(await find(), session, knexfile, state)
      const searchPath = session.schema === null && session.dialect === 'postgres' ? (knexfile?.searchPath ?? []) : []
      // Where the server undoes DDL, what runs without a transaction of ours is to have none: it did not work in one.
      const wrapped = task.transaction && (session.transaction || session.dialect === 'mysql')
      const work = async (given: Knex) => {
        if (searchPath.length > 0) await setSearchPath(given, searchPath, wrapped)
        await callHook(hooks.beforeEach, given, task.info)
        state.touched = false
        const result = task.call(given)
        if (!isThenable(result) && state.touched && !task.empty) throw notAwaited(task, direction, target)
        await result
        await callHook(hooks.afterEach, given, task.info)
      }
      try {
        session.holdsOutermost = wrapped
        if (wrapped) await inTransaction(knex, work, state)
        else await work(knex)
      } finally {
        state.over = true
      }
      if (state.fault !== null) throw faultOf(state.fault)
    },
  }
}

/** In ours this is a savepoint. What the code itself does to it is noticed: Knex would take all of it for success. */
async function inTransaction(knex: Knex, work: (given: Knex) => Promise<void>, state: RunState): Promise<void> {
  const own: { ended: 'rolled-back' | 'ended-ours' | null } = { ended: null }
  await knex.transaction(async (trx) => {
    let returned = false
    const { commit, rollback } = trx
    trx.commit = (value) => {
      if (!returned) own.ended ??= 'ended-ours'
      return commit(value)
    }
    trx.rollback = (error) => {
      if (!returned) own.ended ??= 'rolled-back'
      return rollback(error)
    }
    try {
      await work(trx)
      // Nested ones are savepoints of Knex's own, which the end of this one would quietly end, too.
      if (own.ended === null && state.transactions.slice(1).some((one) => !one.isCompleted()))
        throw new CodeFault('left-open', 'it began a transaction and did not end it')
    } finally {
      returned = true
    }
  })
  if (own.ended === 'rolled-back') {
    throw new CodeFault(own.ended, 'it rolled back its transaction (`trx.rollback()`) and returned as if all were well')
  }
  if (own.ended === 'ended-ours') {
    throw new CodeFault(own.ended, 'it committed the transaction that it was given (`trx.commit()`)')
  }
}

async function setSearchPath(knex: Knex, schemas: readonly string[], local: boolean): Promise<void> {
  const path = schemas.map((schema) => `"${schema.replaceAll('"', '""')}"`).join(', ')
  await knex.raw(`SET ${local ? 'LOCAL ' : ''}search_path TO ${path}`)
}

async function callHook(hook: unknown, knex: Knex, info: unknown): Promise<void> {
  if (typeof hook === 'function') await hook(knex, [info])
}

function notAwaited({ shown }: Task, direction: 'up' | 'down', target: string): TenantryError {
  return new TenantryError(
    'MIGRATION_FAILED',
    `${shown} failed in ${target}: \`${direction}\` made a query and returned no promise, so nobody can wait for it.`,
    {
      hint: `Make \`${direction}\` an async function and await its queries, or return them. Knex itself only warns, and records a migration of which nothing, or only a part, was carried out.`,
      context: { target, file: shown },
    },
  )
}
