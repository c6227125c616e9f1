import type { Connection } from './dialect.ts'
import type { ServerAddress } from './server.ts'
import type { PlaceSize } from './tenant-report.ts'

/** How a place is written to a file. A password is in a file of its own or in the environment, never in an argument. */
export type DumpRecipe =
  /** A program; the first of these that is installed. */
  | {
      by: 'program'
      programs: readonly string[]
      args: readonly string[]
      env: Readonly<Record<string, string | undefined>>
      /** Files that it reads, by path: written before, for its owner's eyes only, and taken away after. */
      secrets: readonly { path: string; text: string }[]
    }
  /** A statement in the place itself. */
  | { by: 'statement'; sql: string }

/** What a dialect knows of a place that is about to be dropped. */
export interface Removal {
  /** @param schema null: the whole database. Throws `DatabaseError`. */
  measure(connection: Connection, schema: string | null): Promise<PlaceSize>
  /**
   * @param server with what to log in with
   * @param file what is written to; not there yet
   * @param folder that only the owner may look into, for `secrets`
   */
  dump(server: ServerAddress, database: string, schema: string | null, to: { file: string; folder: string }): DumpRecipe
  /** Is this database or schema part of the server itself, so that it is nobody's to drop? */
  isOfServer(database: string, schema: string | null): boolean
}
