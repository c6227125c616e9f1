import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { inspect } from 'node:util'
import type { KeySource, ResolvedKeys } from '../config/resolved.ts'
import { TenantryError } from '../model/errors.ts'
import type { KeyRing, SealingKey } from '../model/registry.ts'
import { Secret } from '../model/secret.ts'
import { nameCommand, runCommand } from './run-command.ts'

export type KeyRole = 'current' | 'previous' | 'cbc'

/** Where keys are read; tests give their own. */
export interface KeySurroundings {
  env: Readonly<Record<string, string | undefined>>
  /** Commands run here. */
  root: string
  /** Default: 30 s. */
  commandTimeoutMs?: number
}

/** The keys of one config, each read when it is first asked for, and once. */
export interface KeyReader {
  /** Throws KEY_INVALID for a key that is set and cannot be used. */
  sealing(): Promise<Pick<KeyRing, 'current' | 'previous'>>
  /** Throws KEY_INVALID. */
  cbc(): Promise<SealingKey | null>
  /** Both. Throws KEY_INVALID. */
  ring(): Promise<KeyRing>
  /** Each source by itself: what it gave, or what is wrong with it. */
  survey(): Promise<readonly KeyFinding[]>
}

export interface KeyFinding {
  role: KeyRole
  /** `MASTER_ENCRYPTION_KEY`, or the file or command in words. */
  source: string
  key: SealingKey | null
  error: TenantryError | null
}

const formats = '32 characters (UTF-8), 64 hex digits or 44 characters of base64'

export function readKeysOf(keys: ResolvedKeys, surroundings: KeySurroundings): KeyReader {
  const read = (role: KeyRole, source: KeySource) => readKey(role, source, surroundings)
  const sealing = once(async () => {
    const current = await read('current', keys.master)
    const previous: SealingKey[] = []
    for (const source of keys.previous) {
      const key = await read('previous', source)
      if (key !== null && key.id !== current?.id) previous.push(key)
    }
    return { current, previous }
  })
  const cbc = once(() => read('cbc', keys.cbc))
  return {
    sealing,
    cbc,
    ring: async () => ({ ...(await sealing()), cbc: await cbc() }),
    async survey() {
      const sources: [KeyRole, KeySource][] = [
        ['current', keys.master],
        ...keys.previous.map((source): [KeyRole, KeySource] => ['previous', source]),
        ['cbc', keys.cbc],
      ]
      const findings: KeyFinding[] = []
      for (const [role, source] of sources) {
        const found = await read(role, source).then(
          (key) => ({ key, error: null }),
          (error: TenantryError) => ({ key: null, error }),
        )
        findings.push({ role, source: nameSource(source), ...found })
      }
      return findings
    },
  }
}

/** What fails is asked again the next time: a vault may be back by then. */
function once<T>(read: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | null = null
  return () => {
    running ??= read().catch((error: unknown) => {
      running = null
      throw error
    })
    return running
  }
}

/** `MASTER_ENCRYPTION_KEY` · `the file /run/secrets/key` · `the command vault …`; nothing that could be a secret. */
export function nameSource(source: KeySource): string {
  if (source.from === 'env') return source.name
  return source.from === 'file' ? `the file ${source.path}` : `the command \`${nameCommand(source.command)}\``
}

async function readKey(role: KeyRole, source: KeySource, surroundings: KeySurroundings): Promise<SealingKey | null> {
  const found = await readSource(role, source, surroundings)
  if (found === null) return null
  const failures: string[] = []
  for (const bytes of candidates(found, source)) {
    const parsed = parseKey(role, bytes)
    if (typeof parsed !== 'string') return makeKey(role, bytes, parsed)
    failures.push(parsed)
  }
  throw new TenantryError('KEY_INVALID', `${capitalise(nameSource(source))} ${failures.at(-1)}.`, {
    hint:
      role === 'cbc'
        ? 'AES-256-CBC takes a key of exactly 32 characters: the one that your application encrypts with.'
        : `A key is ${formats}. \`tenantry keys generate\` prints a new one; credentials that are sealed already need the one they were sealed with.`,
    context: { key: role, source: nameSource(source) },
  })
}

/** A variable is taken as it is where that fits: only then is the end of a line taken off, which secret files often bring. */
function candidates(found: Buffer, source: KeySource): Buffer[] {
  const end = found.at(-1) === 0x0a ? (found.at(-2) === 0x0d ? 2 : 1) : 0
  const bare = found.subarray(0, found.length - end)
  return source.from === 'env' && end > 0 ? [found, bare] : [bare]
}

/** null: it is not set. */
async function readSource(role: KeyRole, source: KeySource, surroundings: KeySurroundings): Promise<Buffer | null> {
  const { env, root, commandTimeoutMs = 30_000 } = surroundings
  if (source.from === 'env') {
    const value = env[source.name]
    return value === undefined || value === '' ? null : Buffer.from(value, 'utf8')
  }
  const fail = (why: string, hint: string): never => {
    throw new TenantryError('KEY_INVALID', `${capitalise(nameSource(source))} ${why}.`, {
      hint,
      context: { key: role, source: nameSource(source) },
    })
  }
  if (source.from === 'file') {
    try {
      return await readFile(source.path)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      // After a rotation the file of the previous key is taken away.
      if (code === 'ENOENT' && role === 'previous') return null
      const why = code === 'ENOENT' ? 'is not there' : `cannot be read (${code})`
      return fail(why, 'Put the key there, or say in `keys` of the config where it is.')
    }
  }
  const { output, problem } = await runCommand(source.command, { cwd: root, env, timeoutMs: commandTimeoutMs })
  if (problem !== null) fail(problem, 'Run the command by hand: it should print the key and nothing else.')
  return output
}

function capitalise(text: string): string {
  return text.startsWith('the ') ? `T${text.slice(1)}` : text
}

/** The 32 bytes of a key, or what is wrong with it: its length, never what it says. */
export function parseKey(role: KeyRole, given: Buffer): Buffer | string {
  const text = given.toString('utf8')
  if (!Buffer.from(text, 'utf8').equals(given))
    return `holds ${given.length} bytes that are no text; write them as base64 (44 characters)`
  const characters = [...text].length
  if (role === 'cbc') {
    if (given.length === 32 && characters === 32) return given
    if (characters === 32) return describeWide(given)
    return `has ${countCharacters(characters)}, not 32`
  }
  if (characters === 32) return given.length === 32 ? given : describeWide(given)
  if (characters === 64) {
    return /^[0-9a-f]{64}$/i.test(text)
      ? Buffer.from(text, 'hex')
      : 'has 64 characters, and they are not all hex digits'
  }
  if (characters === 44) {
    const bytes = Buffer.from(text, 'base64')
    const isWhole = [bytes.toString('base64'), `${bytes.toString('base64url')}=`].includes(text)
    return bytes.length === 32 && isWhole ? bytes : 'has 44 characters, and they are not 32 bytes in base64'
  }
  return `has ${countCharacters(characters)}; a key is ${formats}`
}

function describeWide(given: Buffer): string {
  return `has 32 characters that take ${given.length} bytes in UTF-8; the cipher takes 32 bytes: use ASCII characters`
}

function countCharacters(count: number): string {
  return count === 1 ? '1 character' : `${count} characters`
}

/** Equal keys have equal ids in whichever format they were written; a key for sealing and one for CBC never do. */
export function makeKey(role: KeyRole, given: Buffer, bytes: Buffer): SealingKey {
  const domain = role === 'cbc' ? 'tenantry:cbc-key:v1\0' : 'tenantry:key:v1\0'
  const id = createHash('sha256').update(domain).update(bytes).digest('hex').slice(0, 8)
  const key = { id, secret: new Secret(given.toString('utf8')) }
  const hidden = (value: unknown) => ({ value, enumerable: false })
  return Object.defineProperties(key, {
    bytes: hidden(() => bytes),
    toString: hidden(() => id),
    toJSON: hidden(() => id),
    [inspect.custom]: hidden(() => `SealingKey ${id}`),
  }) as SealingKey
}
