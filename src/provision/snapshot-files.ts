import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isRecord } from '../config/record.ts'
import type { Snapshot } from '../model/places.ts'

/** A snapshot and the hash of the schema that it makes. */
export interface KeptSnapshot {
  hash: string
  snapshot: Snapshot
}

/** Those that were not asked for since. */
const mostKept = 8

/** Snapshots in the state folder, a file for each key. What cannot be read, or is not whole, counts as not there. */
export class SnapshotFiles {
  readonly #dir: string

  constructor(stateDir: string) {
    this.#dir = join(stateDir, 'snapshots')
  }

  read(key: string): KeptSnapshot | null {
    try {
      const file: unknown = JSON.parse(readFileSync(this.#path(key), 'utf8'))
      if (!isRecord(file) || file.key !== key || typeof file.hash !== 'string') return null
      const { statements, placeholder } = (file.snapshot ?? {}) as Snapshot
      if (!Array.isArray(statements) || (placeholder !== null && typeof placeholder !== 'string')) return null
      const snapshot: Snapshot = { statements, placeholder }
      return file.checksum === checksumOf(file.hash, snapshot) ? { hash: file.hash, snapshot } : null
    } catch {
      return null
    }
  }

  /** Whole or not at all. Rows of migrations are in it: nobody else may read it. Throws what the file system says. */
  write(key: string, { hash, snapshot }: KeptSnapshot): void {
    mkdirSync(this.#dir, { recursive: true, mode: 0o700 })
    try {
      writeFileSync(join(this.#dir, '..', '.gitignore'), '*\n', { flag: 'wx' })
    } catch {
      // It is there already.
    }
    const draft = `${this.#path(key)}.${randomBytes(4).toString('hex')}`
    try {
      const text = JSON.stringify({ key, checksum: checksumOf(hash, snapshot), hash, snapshot })
      writeFileSync(draft, text, { mode: 0o600, flag: 'wx' })
      renameSync(draft, this.#path(key))
    } finally {
      rmSync(draft, { force: true })
    }
    this.#dropOldest()
  }

  #dropOldest(): void {
    const files = readdirSync(this.#dir)
      .filter((name) => name.endsWith('.json'))
      .map((name) => ({ name, at: statSync(join(this.#dir, name), { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
      .sort((a, b) => b.at - a.at)
    for (const { name } of files.slice(mostKept)) rmSync(join(this.#dir, name), { force: true })
  }

  #path(key: string): string {
    return join(this.#dir, `${key}.json`)
  }
}

function checksumOf(hash: string, snapshot: Snapshot): string {
  return createHash('sha256')
    .update(JSON.stringify([hash, snapshot.placeholder, snapshot.statements]))
    .digest('hex')
}
