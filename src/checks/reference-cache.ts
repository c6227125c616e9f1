import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isRecord } from '../config/record.ts'
import type { SchemaPicture } from '../model/picture.ts'

/** Pictures in a folder, a file for each key. What cannot be read counts as not there. */
export class ReferenceCache {
  readonly #dir: string

  /** @param stateDir folder in which the project's state is kept */
  constructor(stateDir: string) {
    this.#dir = join(stateDir, 'references')
  }

  read(key: string): SchemaPicture | null {
    try {
      const file: unknown = JSON.parse(readFileSync(this.#path(key), 'utf8'))
      if (!isRecord(file) || file.key !== key || !isPicture(file.picture)) return null
      return file.checksum === checksumOf(file.picture) ? file.picture : null
    } catch {
      return null
    }
  }

  /** Whole or not at all: another process may read it meanwhile, and this one may be killed. Throws what the file system says. */
  write(key: string, picture: SchemaPicture): void {
    mkdirSync(this.#dir, { recursive: true, mode: 0o700 })
    keepOutOfGit(join(this.#dir, '..'))
    const draft = `${this.#path(key)}.${randomBytes(4).toString('hex')}`
    try {
      writeFileSync(draft, JSON.stringify({ key, checksum: checksumOf(picture), picture }), { mode: 0o600, flag: 'wx' })
      renameSync(draft, this.#path(key))
    } finally {
      rmSync(draft, { force: true })
    }
  }

  #path(key: string): string {
    return join(this.#dir, `${key}.json`)
  }
}

function isPicture(value: unknown): value is SchemaPicture {
  return isRecord(value) && typeof value.hash === 'string' && Array.isArray(value.objects)
}

function checksumOf(picture: SchemaPicture): string {
  return createHash('sha256').update(JSON.stringify(picture)).digest('hex')
}

function keepOutOfGit(stateDir: string): void {
  try {
    writeFileSync(join(stateDir, '.gitignore'), '*\n', { flag: 'wx' })
  } catch {
    // It is there already.
  }
}
