import type { DataChangeDefinition } from '../model/data-change.ts'
import type { MigrationPhase } from '../model/migration.ts'

/** One file of the folder, read and checked as far as no server is needed. */
export interface DataChange {
  /** File stem. */
  name: string
  /** For messages: relative to the project. */
  file: string
  /** SHA-256 of the file, line ends aside. */
  checksum: string
  table: string
  /** Empty: it is repeated while `remaining` counts rows. */
  key: readonly string[]
  chunkMs: number
  after: string | null
  /** SQL that counts the rows there are. */
  count: string | null
  /** SQL that counts the rows still to be changed, where there is no key. */
  remaining: string | null
  set: string | null
  scope: 'tenant' | 'target'
  /** `-- tenantry:phase migrate of …`: the contract step of that change waits for it. Absent: it is part of none. */
  phase?: MigrationPhase
  body: { kind: 'sql'; text: string } | { kind: 'code'; batch: DataChangeDefinition['batch'] }
}
