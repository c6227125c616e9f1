import { readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { TenantryError } from '../model/errors.ts'
import { describeThrown, type ThrownReport } from '../model/thrown.ts'
import { importDecorated } from './decorated-code.ts'
import { refuseExit } from './refuse-exit.ts'

/** Endings of files that can be imported. */
export const codeExtensions = ['.js', '.cjs', '.mjs', '.ts', '.cts', '.mts'] as const

/** A file that is being imported. */
export interface CodeFile {
  /** Absolute. */
  path: string
  /** For messages: relative to the project. */
  shown: string
  /** JavaScript goes through jiti, too: its tool loads files so, whatever kind of module they are. Absent: Node loads it. */
  compile?: true
  /** TypeScript in it, or in what it imports, has classes with decorators. Absent: none has. */
  decorated?: true
}

/** Longer than this no migration needs to be imported: it waits for something that does not come. */
const importLimitMs = 30_000

/**
 * Imports a file of the project: JavaScript by Node, TypeScript through jiti, which is only loaded then. A module is
 * imported once per process. Throws MIGRATIONS_UNREADABLE with file, line and next step; values of variables that hold
 * credentials are not in it.
 */
export async function importCode(file: CodeFile): Promise<unknown> {
  const isTypeScript = file.compile === true || /^\.[cm]?ts$/.test(extname(file.path))
  const allowExit = refuseExit()
  try {
    return await within(isTypeScript ? importTypeScript(file) : import(pathToFileURL(file.path).href))
  } catch (error) {
    throw await describeImport(file, error)
  } finally {
    allowExit()
  }
}

/**
 * A function that a module exports, bound to what exports it: by name, or within the default export, as compilers write
 * it. null: there is none.
 */
export function findExport(module: unknown, name: string): ExportedFunction | null {
  const outer = member(module, 'default')
  for (const holder of [member(outer, 'default'), outer, module]) {
    const found = member(holder, name)
    if (typeof found === 'function') return { source: found, call: (...args) => Reflect.apply(found, holder, args) }
  }
  return null
}

/** Any other value that a module exports, looked for in the same places; undefined: there is none. */
export function findValue(module: unknown, name: string): unknown {
  const outer = member(module, 'default')
  for (const holder of [member(outer, 'default'), outer, module]) {
    const found = member(holder, name)
    if (found !== undefined) return found
  }
  return undefined
}

export interface ExportedFunction {
  /** As written: its text and its number of parameters say what it expects. */
  // biome-ignore lint/complexity/noBannedTypes: whatever the file exports
  source: Function
  call(...args: readonly unknown[]): unknown
}

function member(value: unknown, name: string): unknown {
  const isHolder = (typeof value === 'object' && value !== null) || typeof value === 'function'
  return isHolder ? (value as Record<string, unknown>)[name] : undefined
}

function importTypeScript({ path, decorated }: CodeFile): Promise<unknown> {
  return decorated === true ? importDecorated(path) : importWithJiti(path)
}

let jiti: Promise<{ import(id: string): Promise<unknown> }> | null = null

async function importWithJiti(path: string): Promise<unknown> {
  // One for all: modules that several migrations import are compiled and run once, as with a compiler.
  jiti ??= import('jiti').then(({ createJiti }) =>
    createJiti(import.meta.url, { fsCache: false, tsconfigPaths: true, interopDefault: true }),
  )
  return (await jiti).import(path)
}

async function within<T>(importing: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('it did not finish within 30 s')), importLimitMs)
  })
  try {
    return await Promise.race([importing, late])
  } finally {
    clearTimeout(timer)
  }
}

async function describeImport(file: CodeFile, error: unknown): Promise<TenantryError> {
  const report = await addPlace(describeThrown(error, process.env, file.path), file)
  const { line, column } = report
  const at = line === undefined ? '' : ` at line ${line}${column === undefined ? '' : `, column ${column}`}`
  const missing = findMissingModule(error)
  const hint =
    missing === null
      ? 'Correct the file and run the command again; nothing of it was carried out.'
      : /^[./]/.test(missing)
        ? 'Check the path of that import, and whether the file was committed.'
        : `Install it in the project: npm install ${packageOf(missing)}`
  return new TenantryError(
    'MIGRATIONS_UNREADABLE',
    `${file.shown} cannot be imported${at}: ${missing === null ? report.message : `there is no module "${missing}"`}`,
    {
      hint,
      context: {
        file: file.shown,
        ...(line === undefined ? {} : { line }),
        ...(column === undefined ? {} : { column }),
      },
    },
  )
}

function findMissingModule(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error)) return null
  if (error.code !== 'ERR_MODULE_NOT_FOUND' && error.code !== 'MODULE_NOT_FOUND') return null
  return /Cannot find (?:package|module) '([^']+)'/.exec(error.message)?.[1] ?? null
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

/** Node does not say where in an ES module a syntax error is; jiti's parser does, in what it gives for such a file. */
async function addPlace(report: ThrownReport, file: CodeFile): Promise<ThrownReport> {
  if (report.line !== undefined) return report
  try {
    const { createJiti } = await import('jiti')
    const source = await readFile(file.path, 'utf8')
    const compiler = createJiti(pathToFileURL(file.path).href, { fsCache: false })
    const code = compiler.transform({ source, filename: file.path, async: true })
    const found = /^exports\.__JITI_ERROR__ = .*"line":(\d+),"column":(\d+)/.exec(code)
    return found === null ? report : { ...report, line: Number(found[1]), column: Number(found[2]) + 1 }
  } catch {
    return report
  }
}
