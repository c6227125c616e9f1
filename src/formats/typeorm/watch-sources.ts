import { AsyncLocalStorage } from 'node:async_hooks'
import { CodeFault, type CodeSession } from '../../model/code.ts'
import type { OpenQueries } from '../open-queries.ts'

/** A migration that is being run. */
export interface Run extends OpenQueries {
  session: CodeSession
  /** What it did and must not do, also if it went on as if nothing had been. */
  fault: CodeFault | null
  over: boolean
}

/** Which migration code belongs to, also when it comes back after another one has begun. */
export const running = new AsyncLocalStorage<Run>()

interface Prototype {
  initialize(...args: unknown[]): Promise<unknown>
}

const ours = new WeakSet<object>()
const watched = new WeakSet<object>()
const reading = new AsyncLocalStorage<true>()

/** Marks a data source as one that lives on our sessions. */
export function markOwn(source: object): void {
  ours.add(source)
}

/** From now on a data source that is not ours connects to nothing while a migration runs, or {@link readQuietly} reads. */
export function watchSources(exports: unknown): void {
  const prototype = findPrototype(exports)
  if (prototype === null || watched.has(prototype)) return
  watched.add(prototype)
  const original = prototype.initialize
  prototype.initialize = function (this: object, ...args) {
    if (ours.has(this)) return original.apply(this, args)
    // Applications connect as soon as they are imported: this one believes that it did.
    if (reading.getStore() === true) return Promise.resolve(this)
    const run = running.getStore()
    if (run === undefined) return original.apply(this, args)
    run.fault ??= new CodeFault('own-connection', 'it tried to open a connection of its own with another DataSource')
    return Promise.reject(run.fault)
  }
}

/** Imports files of the project without letting them connect. */
export function readQuietly<T>(exports: unknown, read: () => Promise<T>): Promise<T> {
  watchSources(exports)
  return reading.run(true, read)
}

function findPrototype(exports: unknown): Prototype | null {
  const holder = exports as {
    DataSource?: { prototype: Prototype }
    default?: { DataSource?: { prototype: Prototype } }
  }
  return (holder.DataSource ?? holder.default?.DataSource)?.prototype ?? null
}
