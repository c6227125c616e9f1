import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isRecord } from '../config/record.ts'
import type { ProvedMigration } from '../model/check-report.ts'
import type { Body, Migration } from '../model/migration.ts'
import type { FleetSet } from '../rollout/fleet.ts'
import type { ScratchKind } from './scratch.ts'

/** What is known of one migration, of one kind of target. */
export type Proof = Pick<ProvedMigration, 'verdict' | 'detail' | 'differences' | 'error'>

/** Part of every key: counted up when a proof says something else than it did before. */
const proofVersion = 1

/** Versions of a server whose proofs are worth the same: `180004` → 1800, `101106` (MariaDB 10.11.6) → 1011. */
export function majorOf(version: number): number {
  return Math.floor(version / 100)
}

/**
 * A key for each migration of a set: equal as long as its files, everything before it and what it runs under are. Code
 * is told by its own file; what that imports is not looked at.
 */
export function proofKeys(
  set: Pick<FleetSet, 'config' | 'format' | 'migrations'>,
  about: { dialect: string; kind: ScratchKind; sharedSchema: string; extensions: readonly string[] },
): Map<Migration, string> {
  const { name, session, transaction } = set.config
  let chain = JSON.stringify([
    proofVersion,
    about.dialect,
    about.kind,
    about.sharedSchema,
    name,
    set.format.name,
    session,
    transaction,
    ...(about.extensions.length === 0 ? [] : [about.extensions]),
  ])
  const keys = new Map<Migration, string>()
  for (const migration of set.migrations) {
    const { id, checksum, up, down } = migration
    const own = JSON.stringify([chain, id, checksum, migration.transaction, textOf(up), down && textOf(down)])
    chain = createHash('sha256').update(own).digest('hex')
    keys.set(migration, chain)
  }
  return keys
}

/** A checksum need not cover the undo. */
function textOf(body: Body): string {
  return body.kind === 'sql' ? body.text : 'code'
}

/** Proofs of earlier runs, in one file. What cannot be read counts as not there. */
export class ProofCache {
  readonly #dir: string
  readonly #path: string
  #proofs: Map<string, Record<string, Proof>> | null = null

  /** @param stateDir folder in which the project's state is kept */
  constructor(stateDir: string) {
    this.#dir = stateDir
    this.#path = join(stateDir, 'proofs.json')
  }

  /** `major` null: of whatever version. */
  find(key: string, major: number | null): Proof | null {
    const byMajor = this.#read().get(key)
    if (byMajor === undefined) return null
    if (major !== null) return byMajor[major] ?? null
    return Object.values(byMajor).sort((a, b) => badness(b) - badness(a))[0] ?? null
  }

  /** Takes a proof in; {@link write} keeps it. */
  add(key: string, major: number, { verdict, detail, differences, error }: Proof): void {
    const proofs = this.#read()
    proofs.set(key, { ...proofs.get(key), [major]: { verdict, detail, differences, error } })
  }

  /** Whole or not at all, together with what another run wrote meanwhile. Throws what the file system says. */
  write(): void {
    const own = this.#read()
    const all = new Map([...readFile(this.#path), ...own])
    for (const [key, there] of readFile(this.#path)) all.set(key, { ...there, ...own.get(key) })
    mkdirSync(this.#dir, { recursive: true, mode: 0o700 })
    keepOutOfGit(this.#dir)
    const draft = `${this.#path}.${randomBytes(4).toString('hex')}`
    try {
      const text = JSON.stringify({ version: proofVersion, proofs: Object.fromEntries(all) }, null, 1)
      writeFileSync(draft, `${text}\n`, { mode: 0o600, flag: 'wx' })
      renameSync(draft, this.#path)
    } finally {
      rmSync(draft, { force: true })
    }
  }

  #read(): Map<string, Record<string, Proof>> {
    this.#proofs ??= readFile(this.#path)
    return this.#proofs
  }
}

const order: readonly Proof['verdict'][] = ['reversible', 'lossy', 'one-way', 'broken']

const badness = ({ verdict }: Proof) => order.indexOf(verdict)

function readFile(path: string): Map<string, Record<string, Proof>> {
  try {
    const file: unknown = JSON.parse(readFileSync(path, 'utf8'))
    if (!isRecord(file) || file.version !== proofVersion || !isRecord(file.proofs)) return new Map()
    const entries = Object.entries(file.proofs).flatMap(([key, byMajor]) => {
      if (!isRecord(byMajor)) return []
      const sound = Object.entries(byMajor).filter((entry): entry is [string, Proof] => isProof(entry[1]))
      return sound.length === 0 ? [] : [[key, Object.fromEntries(sound)] as const]
    })
    return new Map(entries)
  } catch {
    return new Map()
  }
}

function isProof(value: unknown): boolean {
  return (
    isRecord(value) &&
    order.some((verdict) => verdict === value.verdict) &&
    (value.detail === null || typeof value.detail === 'string') &&
    Array.isArray(value.differences) &&
    (value.error === null || isRecord(value.error))
  )
}

/** What is proved here depends on this machine's server: it belongs to nobody else. */
function keepOutOfGit(stateDir: string): void {
  try {
    writeFileSync(join(stateDir, '.gitignore'), '*\n', { flag: 'wx' })
  } catch {
    // It is there already.
  }
}
