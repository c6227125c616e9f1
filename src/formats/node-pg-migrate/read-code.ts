import type { CodeContext, LoadedCode } from '../../model/code.ts'
import type { Body } from '../../model/migration.ts'
import { isEmptyFunction } from '../empty-function.ts'
import { findExport, findValue, importCode } from '../import-code.ts'
import type { Bind, Task } from './bind.ts'
import type { MigrationFile } from './list-files.ts'

type Shorthands = Readonly<Record<string, unknown>>

/** A file of code, imported when it is first needed. */
export interface CodeModule {
  file: MigrationFile
  /** By its text it may hold shorthands. */
  mayHaveShorthands: boolean
  import(): Promise<unknown>
}

/** As the tool does: every file goes through jiti, so that one may be written as a module in a package of scripts. */
export function openModule(file: MigrationFile, text: string): CodeModule {
  let module: Promise<unknown> | null = null
  return {
    file,
    // A file in which no `up` is to be seen gets it from another one, and perhaps more.
    mayHaveShorthands: shorthandsSet.test(text) || !/\bup\b/.test(text),
    import() {
      module ??= importCode({ path: file.path, shown: file.shown, compile: true })
      return module
    },
  }
}

/** Templates set them to `undefined`. */
const shorthandsSet = /\bshorthands\b(?!\s*(?::[^=;]*)?=\s*undefined\b)/

/** Both directions of a file. `earlier`: the files of code before it, whose shorthands it may use. */
export function readBodies(module: CodeModule, earlier: readonly CodeModule[], bind: Bind): { up: Body; down: Body } {
  const { file } = module
  const shorthands = async (): Promise<Shorthands> => {
    const all: Record<string, unknown> = {}
    for (const one of [...earlier.filter(({ mayHaveShorthands }) => mayHaveShorthands), module]) {
      Object.assign(all, findValue(await one.import(), 'shorthands'))
    }
    return all
  }
  const body = (direction: 'up' | 'down'): Body => ({
    kind: 'code',
    file: file.shown,
    builds: true,
    async load(): Promise<LoadedCode> {
      const exported = await module.import()
      const found = findFunction(exported, direction)
      if (found === null) return { run: null, transaction: true, empty: false }
      // Looked for now: a missing package is told before anything is touched.
      await bind.prepare()
      const task: Task = { ...found, shorthands, path: file.path, shown: file.shown }
      return {
        run: (context: CodeContext) => bind.run(context, task),
        transaction: true,
        empty: isEmptyFunction(found.source),
        build: () => bind.build(task),
      }
    },
  })
  return { up: body('up'), down: body('down') }
}

/** Without a `down` the tool takes `up` and reverses what it builds; `false` says that there is no way back. */
function findFunction(module: unknown, direction: 'up' | 'down'): Pick<Task, 'call' | 'source' | 'reverse'> | null {
  const up = findExport(module, 'up')
  if (direction === 'up') return up === null ? null : { ...up, reverse: false }
  const down = findExport(module, 'down')
  if (down !== null) return { ...down, reverse: down.source === up?.source }
  return findValue(module, 'down') === undefined && up !== null ? { ...up, reverse: true } : null
}
