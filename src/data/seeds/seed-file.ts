import type { SeedDefinition } from '../../model/seed.ts'
import type { SeedLiteral } from '../../model/seed-words.ts'

/** A cell of a seed file. */
export type SeedValue =
  | SeedLiteral
  | { kind: 'tenant'; part: 'id' | 'slug' | 'name' }
  /** The value of `column` in the row of `table` that has these values. */
  | { kind: 'reference'; table: string; by: ReadonlyMap<string, SeedValue>; column: string }

export interface SeedRow {
  /** 1-based, in the file. */
  line: number
  /** In the order of the file; the row's columns only. */
  values: ReadonlyMap<string, SeedValue>
}

/** Rows for one table. */
export interface RowsBody {
  kind: 'rows'
  table: string
  key: readonly string[]
  /** `owned`: the file wins over what somebody changed. `initial`: what somebody changed stays. */
  mode: 'initial' | 'owned'
  /** What becomes of rows that are no longer in the file. */
  removed: 'keep' | 'delete'
  rows: readonly SeedRow[]
}

export interface SqlBody {
  kind: 'sql'
  text: string
  always: boolean
}

export interface CodeBody {
  kind: 'code'
  always: boolean
  scope: 'tenant' | 'target'
  run: SeedDefinition['run']
}

/** One file of the folder, read and checked as far as no server is needed. */
export interface Seed {
  /** Path in the folder of seeds, with forward slashes. */
  name: string
  /** For messages: relative to the project. */
  file: string
  /** SHA-256, line ends aside. */
  checksum: string
  /** Only targets of this set; null: all. */
  set: string | null
  body: RowsBody | SqlBody | CodeBody
}

/** A file as it is found, before it is read. */
export interface SeedPath {
  name: string
  path: string
  shown: string
}

/** Something wrong in a file; `line` null: with the whole of it. */
export type Complain = (message: string, line?: number | null, hint?: string) => void
