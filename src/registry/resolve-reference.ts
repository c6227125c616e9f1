import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Secret } from '../model/secret.ts'
import type { KeySurroundings } from './key-ring.ts'
import { nameCommand, runCommand } from './run-command.ts'

const kinds = ['env', 'file', 'command'] as const
type ReferenceKind = (typeof kinds)[number]

function splitReference(reference: string): { kind: ReferenceKind; rest: string } | null {
  const at = reference.indexOf(':')
  const kind = kinds.find((name) => name === reference.slice(0, at))
  const rest = reference.slice(at + 1)
  return kind === undefined || rest.trim() === '' ? null : { kind, rest }
}

/** Why this cannot be a reference; null: it can. Says nothing of what it refers to. */
export function checkReference(reference: string): string | null {
  const parts = splitReference(reference)
  if (parts === null) return 'is none of `env:NAME`, `file:/path` and `command:…`'
  if (parts.kind === 'env' && !/^[A-Za-z_]\w*$/.test(parts.rest)) return 'names no variable: write it as `env:NAME`'
  return /[\0\n\r]/.test(reference) ? 'has more than one line' : null
}

/** As messages and documents show it: a command without its arguments, which may hold secrets. */
export function showReference(reference: string): string {
  const parts = splitReference(reference)
  if (parts === null) return 'a reference of an unknown kind'
  return parts.kind === 'command' ? `command:${nameCommand(parts.rest)}` : reference
}

/**
 * The password that a reference stands for; else why there is none, as a part of a sentence. A file's and a command's
 * last end of line is no part of it. Whoever can write to the registry can name commands: TENANTRY_REFERENCES
 * (`env,file`) says which kinds are resolved; default: all.
 */
export async function resolveReference(reference: string, surroundings: KeySurroundings): Promise<Secret | string> {
  const { env, root, commandTimeoutMs = 30_000 } = surroundings
  const parts = splitReference(reference)
  const shown = showReference(reference)
  if (parts === null) return 'is a reference of an unknown kind: `env:NAME`, `file:/path` and `command:…` are known'
  const allowed = env.TENANTRY_REFERENCES?.split(',').map((kind) => kind.trim())
  if (allowed !== undefined && !allowed.includes(parts.kind))
    return `is the reference ${shown}, and TENANTRY_REFERENCES does not allow \`${parts.kind}:\``
  if (parts.kind === 'env') {
    const value = env[parts.rest]
    return value === undefined || value === '' ? `is the reference ${shown}, which is not set` : new Secret(value)
  }
  if (parts.kind === 'file') {
    try {
      return toSecret(await readFile(resolve(root, parts.rest)), shown)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      return `is the reference ${shown}, which ${code === 'ENOENT' ? 'is not there' : `cannot be read (${code})`}`
    }
  }
  const { output, problem } = await runCommand(parts.rest, { cwd: root, env, timeoutMs: commandTimeoutMs })
  return problem === null ? toSecret(output, shown) : `is the reference ${shown}, which ${problem}`
}

function toSecret(bytes: Buffer, shown: string): Secret | string {
  const text = bytes.toString('utf8').replace(/\r?\n$/, '')
  return text === '' ? `is the reference ${shown}, which gave nothing` : new Secret(text)
}
