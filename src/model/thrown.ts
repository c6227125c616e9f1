import { pathToFileURL } from 'node:url'
import { isTenantryError } from './errors.ts'

/** What went wrong in code that is not ours, without its secrets. */
export interface ThrownReport {
  message: string
  line?: number
  column?: number
}

type Env = Readonly<Record<string, string | undefined>>

/**
 * Describes what code of the project (a config, a migration's file) threw. URLs and the values of variables that hold credentials are taken out; the
 * error itself must not be kept as a cause, since it may carry them in other properties (`ERR_INVALID_URL` does).
 */
export function describeThrown(error: unknown, env: Env, file?: string): ThrownReport {
  if (isTenantryError(error)) return { message: removeSecrets(error.message, env) }
  if (!(error instanceof Error) && !isErrorLike(error)) return { message: 'something that is not an error was thrown' }
  const place = file === undefined ? {} : findPlace(`${error.message}\n${error.stack ?? ''}`, file)
  const isSyntax = error.name === 'SyntaxError' || error.message.startsWith('ParseError')
  const firstLine = (error.message.split('\n')[0] ?? '').replace(/^ParseError:\s*/, '').trim()
  // "Unexpected identifier 'word2'" quotes the file: with a stray quote in a password, that is a part of it.
  const quotesFile = isSyntax && !firstLine.startsWith('The requested module')
  const message = quotesFile ? firstLine.replace(/\s*(['"`]).*\1/, '') : removeSecrets(firstLine, env)
  return { message: message === '' ? error.name : message, ...place }
}

/** Errors of another realm are no instances of ours. */
function isErrorLike(value: unknown): value is Error {
  return typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'string'
}

function findPlace(text: string, file: string): { line?: number; column?: number } {
  for (const name of [file, pathToFileURL(file).href]) {
    const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    const match = new RegExp(`${escaped}(?:\\?[^:\\s]*)?:(\\d+)(?::(\\d+))?`).exec(text)
    if (match?.[1] !== undefined) {
      return { line: Number(match[1]), ...(match[2] === undefined ? {} : { column: Number(match[2]) }) }
    }
  }
  return {}
}

function removeSecrets(text: string, env: Env): string {
  let clean = text.replace(/[a-z][a-z0-9+.-]*:\/\/\S*/gi, '[url]')
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && value.length >= 4 && /PASS|PWD|SECRET|TOKEN|KEY|URL|DSN/i.test(name)) {
      clean = clean.replaceAll(value, '[secret]')
    }
  }
  return clean
}
