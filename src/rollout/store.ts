import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { TenantryError } from '../model/errors.ts'
import type { RolloutListItem, RolloutReport } from '../model/report.ts'
import type { Policy, Summary, TargetResult, WaveResult } from '../model/rollout.ts'
import { countResult, emptySummary } from './report.ts'

/** First line of a rollout's file: written before the first statement runs. */
export interface RolloutHeader {
  type: 'rollout'
  id: string
  command: 'up' | 'down'
  startedAt: string
  policy: Policy
  /** What was to be done: targets per set, and the SHA-256 of the plan. */
  targets: number
  planHash: string
  /** Process that carries it out, to tell a running one from one that died. */
  pid: number
  host: string
}

type Line =
  | RolloutHeader
  | { type: 'wave'; wave: WaveResult; at: string }
  | { type: 'result'; result: TargetResult; at: string }
  | { type: 'end'; state: RolloutListItem['state']; at: string; summary: Summary }

/** Writes one rollout, line by line, as things happen. */
export interface RolloutWriter {
  wave(wave: WaveResult): void
  result(result: TargetResult): void
  end(state: RolloutListItem['state'], summary: Summary): void
}

/**
 * Rollouts in a folder, one file of JSON lines each. A line is written at once, so that whatever kills the process
 * loses at most the line that was being written.
 */
export class RolloutStore {
  readonly #dir: string

  constructor(dir: string) {
    this.#dir = dir
  }

  get dir(): string {
    return this.#dir
  }

  /** `onLost` is called once if a later line cannot be written; nothing is recorded after it. Throws STORE_FAILED. */
  create(header: RolloutHeader, onLost: (error: TenantryError) => void = () => {}): RolloutWriter {
    let file: number
    try {
      // Errors of the server can name rows; only the one who ran it may read that.
      mkdirSync(this.#dir, { recursive: true, mode: 0o700 })
      this.#keepOutOfGit()
      file = openSync(this.#path(header.id), 'ax', 0o600)
      writeSync(file, `${JSON.stringify(header)}\n`)
      fsyncSync(file)
    } catch (cause) {
      throw storeError(this.#dir, cause)
    }
    let lost = false
    const write = (line: Line) => {
      if (lost) return
      try {
        writeSync(file, `${JSON.stringify(line)}\n`)
      } catch (cause) {
        // A full disk here must not stop what runs in the databases: their ledgers have it, too.
        lost = true
        onLost(storeError(this.#dir, cause))
      }
    }
    const at = () => new Date().toISOString()
    return {
      wave: (wave) => write({ type: 'wave', wave, at: at() }),
      result: (result) => write({ type: 'result', result, at: at() }),
      end: (state, summary) => {
        write({ type: 'end', state, at: at(), summary })
        closeSync(file)
      },
    }
  }

  #keepOutOfGit(): void {
    try {
      writeFileSync(join(this.#dir, '..', '.gitignore'), '*\n', { flag: 'wx' })
    } catch {
      // It is there already.
    }
  }

  #path(id: string): string {
    return join(this.#dir, `${id}.jsonl`)
  }

  /** Newest first. */
  list(): RolloutListItem[] {
    return this.#ids().flatMap((id) => {
      // A file that was cut before its first line was whole tells nothing.
      if (!this.#lines(id).some((line) => line.type === 'rollout')) return []
      const { command, state, startedAt, finishedAt, summary } = this.read(id)
      return [{ id, command: command as 'up' | 'down', state, startedAt, finishedAt, summary }]
    })
  }

  #ids(): string[] {
    try {
      return readdirSync(this.#dir)
        .filter((name) => /^r_[0-9A-Z]+\.jsonl$/.test(name))
        .map((name) => name.slice(0, -'.jsonl'.length))
        .sort()
        .reverse()
    } catch {
      return []
    }
  }

  /** Throws ROLLOUT_UNKNOWN. */
  read(id: string): RolloutReport {
    const lines = this.#lines(id)
    const header = lines.find((line): line is RolloutHeader => line.type === 'rollout')
    if (header === undefined) {
      throw new TenantryError('ROLLOUT_UNKNOWN', `There is no rollout ${id} in ${this.#dir}.`, {
        hint: '`tenantry rollout list` shows the ones there are. Rollouts are recorded on the machine that ran them.',
      })
    }
    const targets = lines.flatMap((line) => (line.type === 'result' ? [line.result] : []))
    const waves = new Map(lines.flatMap((line) => (line.type === 'wave' ? [[line.wave.name, line.wave] as const] : [])))
    const end = lines.find((line) => line.type === 'end')
    // Targets that were up to date have no line of their own; only the end knows how many there were.
    const counted = emptySummary()
    for (const result of targets) countResult(counted, result)
    const summary = end?.type === 'end' ? end.summary : counted
    const state = end?.type === 'end' ? end.state : isAlive(header) ? 'running' : 'abandoned'
    return {
      command: header.command,
      rollout: header.id,
      ok: state === 'done',
      state,
      startedAt: header.startedAt,
      finishedAt: end?.type === 'end' ? end.at : null,
      summary,
      targets,
      waves: [...waves.values()],
      notices: [],
      error: null,
      interrupted: state === 'interrupted',
    }
  }

  /** The last thing recorded for a target, looking back through rollouts. */
  lastOf(target: string): { rollout: string; at: string; result: TargetResult } | null {
    for (const id of this.#ids()) {
      const lines = this.#lines(id)
      const line = lines.findLast((one) => one.type === 'result' && one.result.target === target)
      if (line?.type === 'result') return { rollout: id, at: line.at, result: line.result }
    }
    return null
  }

  #lines(id: string): Line[] {
    if (!/^r_[0-9A-Z]+$/.test(id)) return []
    let text: string
    try {
      text = readFileSync(this.#path(id), 'utf8')
    } catch {
      return []
    }
    return text.split('\n').flatMap((line) => {
      try {
        return line === '' ? [] : [JSON.parse(line) as Line]
      } catch {
        return [] // the line that was being written when the process died
      }
    })
  }
}

function storeError(dir: string, cause: unknown): TenantryError {
  return new TenantryError('STORE_FAILED', `The rollout could not be recorded in ${dir}.`, {
    hint: 'Make the folder writable, or name another one with TENANTRY_STATE_DIR.',
    cause,
  })
}

function isAlive({ pid, host }: RolloutHeader): boolean {
  if (host !== hostname()) return false
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
