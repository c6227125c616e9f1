import { readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isTenantryError, TenantryError } from '../model/errors.ts'
import { describeThrown, type ThrownReport } from '../model/thrown.ts'
import type { ConfigContext } from './define.ts'
import { defineConfig } from './define.ts'
import { isRecord } from './record.ts'
import { makeThrownError } from './thrown.ts'

/** Endings a config file may have, in the order they are looked for. */
export const configExtensions = ['.ts', '.mts', '.js', '.mjs', '.cjs', '.json'] as const

/** Further modules of this package that a config may import, by their names, as they are loaded already. */
export type OwnModules = Readonly<Record<string, object>>

/**
 * The value that a config file exports: `.json` is parsed, JavaScript imported by Node, TypeScript through jiti, which
 * is only loaded then. A function is called, a promise awaited. Throws CONFIG_INVALID with file and line; what the
 * file's code had in hand (URLs, values of variables) is not in it.
 */
export async function importConfigFile(
  file: string,
  subject: string,
  context: ConfigContext,
  modules: OwnModules = {},
): Promise<unknown> {
  const extension = extname(file)
  if (extension === '.json') return parseJson(await readFile(file, 'utf8'), file, subject)
  if (!configExtensions.some((known) => known === extension)) {
    throw new TenantryError('CONFIG_INVALID', `${subject} has an ending that no config file has.`, {
      hint: `Use one of ${configExtensions.join(', ')}.`,
      context: { file },
    })
  }
  try {
    const isTypeScript = extension === '.ts' || extension === '.mts'
    const value = takeDefault(isTypeScript ? await importWithJiti(file, modules) : await importNatively(file, modules))
    if (value === undefined) {
      throw new TenantryError('CONFIG_INVALID', `${subject} has no default export.`, {
        hint: 'Write `export default defineConfig({ … })`.',
        context: { file },
      })
    }
    return await (typeof value === 'function' ? value(context) : value)
  } catch (error) {
    if (isTenantryError(error)) throw error
    const report = describeThrown(error, context.env, file)
    throw makeThrownError(`${subject} failed`, await addPlace(report, file), file)
  }
}

async function importNatively(file: string, modules: OwnModules): Promise<unknown> {
  try {
    return await import(pathToFileURL(file).href)
  } catch (error) {
    // Run by npx without being installed in the project: jiti can stand in for the package.
    if (isMissingPackage(error)) return importWithJiti(file, modules)
    throw error
  }
}

function isMissingPackage(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false
  const isMissing = error.code === 'ERR_MODULE_NOT_FOUND' || error.code === 'MODULE_NOT_FOUND'
  return isMissing && /Cannot find (package|module) 'tenantry['/]/.test(error.message)
}

async function importWithJiti(file: string, modules: OwnModules): Promise<unknown> {
  const { createJiti } = await import('jiti')
  const jiti = createJiti(pathToFileURL(file).href, {
    // A copy of the config, with whatever secrets are written in it, must not stay behind in a cache folder.
    fsCache: false,
    // The package itself need not be installed where the config is, and is not compiled again where it is.
    virtualModules: { tenantry: { defineConfig, TenantryError, isTenantryError }, ...modules },
  })
  return jiti.import(file)
}

function takeDefault(module: unknown): unknown {
  if (typeof module !== 'object' || module === null || !('default' in module)) return undefined
  const value = module.default
  const isCompiled = typeof value === 'object' && value !== null && '__esModule' in value && 'default' in value
  return isCompiled ? value.default : value
}

/**
 * Node does not say where in an ES module a syntax error is; jiti's parser does, in what it gives for such a file. Its
 * message doesn't quote the file either.
 */
async function addPlace(report: ThrownReport, file: string): Promise<ThrownReport> {
  if (report.line !== undefined) return report
  const { createJiti } = await import('jiti')
  const source = await readFile(file, 'utf8')
  const code = createJiti(pathToFileURL(file).href, { fsCache: false }).transform({
    source,
    filename: file,
    async: true,
  })
  const found = /^exports\.__JITI_ERROR__ = .*"line":(\d+),"column":(\d+)/.exec(code)
  if (found === null) return report
  return { message: 'it is not valid JavaScript', line: Number(found[1]), column: Number(found[2]) + 1 }
}

function parseJson(text: string, file: string, subject: string): unknown {
  try {
    const value: unknown = JSON.parse(text.replace(/^\uFEFF/, ''))
    if (!isRecord(value))
      throw new TenantryError('CONFIG_INVALID', `${subject} holds no object.`, { context: { file } })
    const { $schema: _, ...config } = value
    return config
  } catch (error) {
    if (isTenantryError(error)) throw error
    const position = error instanceof Error ? findJsonPosition(error.message, text) : null
    const line = position === null ? undefined : text.slice(0, position).split('\n').length
    const report = { message: 'the JSON cannot be parsed', ...(line === undefined ? {} : { line }) }
    throw makeThrownError(`${subject} failed`, report, file)
  }
}

/** V8 says the position, or else quotes some of the text: only the place is taken, never the text. */
function findJsonPosition(message: string, text: string): number | null {
  const stated = /at position (\d+)/.exec(message)
  if (stated?.[1] !== undefined) return Number(stated[1])
  const quoted = /^Unexpected token '?(.+?)'?, (\.\.\.)?"([\s\S]*?)"(?:\.\.\.)? is not valid JSON$/.exec(message)
  const [, token = '', cut, snippet = ''] = quoted ?? []
  const start = snippet === '' ? -1 : text.indexOf(snippet)
  if (start === -1) return /end of JSON/.test(message) ? text.length : null
  return start + (cut === undefined ? Math.max(0, snippet.indexOf(token)) : Math.min(10, snippet.length))
}
