import type { Connection, Dialect } from './dialect.ts'
import type { ServerAddress } from './server.ts'
import type { Placement } from './tenant.ts'
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
      /** Can a program that says this of its version dump from that server? Absent: any can. */
      fits?: (said: string, serverVersion: number) => boolean
    }
  /** A statement in the place itself. */
  | { by: 'statement'; sql: string }

/** A place that could be dumped. */
export interface DumpSource {
  dialect: Dialect
  /** With what to log in with. */
  server: ServerAddress
  placement: Placement
  /** For dialects that dump by a statement. The caller of it closes it. */
  connect(): Promise<Connection>
  /** As `Connection.version`; absent: it is not known, and a program is not asked whether it is new enough. */
  serverVersion?: number
  /** What a dump that failed means, for its error. Default: `so nothing was dropped`. */
  consequence?: string
}

/** Writes places to files. */
export interface DumpTool {
  /**
   * Throws BACKUP_FAILED where it is plain beforehand that no dump could be written.
   * @param file absolute
   */
  check(source: DumpSource, file: string): Promise<void>
  /**
   * The file has its name only once it is whole, and is for its owner's eyes only. Throws BACKUP_FAILED.
   * @param file absolute, not there yet
   */
  write(source: DumpSource, file: string): Promise<{ file: string; bytes: number }>
}

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
