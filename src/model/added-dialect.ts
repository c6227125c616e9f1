import type { Dialect } from './dialect.ts'
import type { DialectName } from './server.ts'

/** A dialect that a config adds, and the URLs that it answers to. */
export interface AddedDialect {
  /** In messages, and with proofs and references, which are never shared between dialects. No built-in one's name. */
  readonly name: string
  /**
   * The built-in dialect whose SQL it speaks. By it names and placements are checked and URLs read, and formats choose
   * what they do: `postgres` has schemas in databases, `sqlite` has files in a folder.
   */
  readonly family: DialectName
  /** Schemes of the URLs that it answers to, lower case and without the colon: `['pgtoken']`. */
  readonly schemes: readonly string[]
  /** For URLs without a port. Default: the family's. */
  readonly defaultPort?: number
  /** Called once per process, and only where a server needs it. Gives a dialect of this name and family. */
  load(): Promise<Dialect>
}
