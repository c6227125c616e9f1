import type { HistoryShape } from './history.ts'
import type { Migration, Notice } from './migration.ts'
import type { DialectName } from './server.ts'

/** Formats that this version can run, as they are written in a config. */
export const formatNames = [
  'sql',
  'prisma',
  'knex',
  'sequelize',
  'dbmate',
  'sql-migrate',
  'goose',
  'golang-migrate',
  'node-pg-migrate',
  'drizzle',
  'typeorm',
  'kysely',
  'flyway',
] as const

export type FormatName = (typeof formatNames)[number]

/** What a set of migrations says about its folder. */
export interface FormatOptions {
  /** Absolute folders, in the order given. */
  dirs: readonly string[]
  /** Paths in messages are relative to this. */
  root: string
  /** File names that match are not migrations. */
  ignore: RegExp | null
  /** Literal text → value, put in before anything else looks at the file. */
  placeholders: Readonly<Record<string, string>>
  /** The tool's own config file where the set names one (`knexfile`): absolute. null: looked for beside the folders. */
  toolConfig?: string | null
  /** What names of versioned files begin with (Flyway); may be empty. Absent: as the tool's own config says, or its default. */
  prefix?: string
  /** Name of the environment asked for (`--env`, `TENANTRY_ENV`, `NODE_ENV`): picks the tool config's part. */
  environment?: string | null
  /** The dialects of the servers whose targets this set is for: tool configs may name one. */
  dialects?: readonly DialectName[]
}

export interface LoadedMigrations {
  /** In the order they are applied. */
  migrations: readonly Migration[]
  notices: readonly Notice[]
  /** What the tool's own config says about its history table, where it says anything. */
  history?: { table?: string; schema?: string }
  /**
   * The tool itself refuses a pending migration that is older than an applied one, and so does `up`; the hint says what
   * to do then. Absent: it is applied, unless `--strict-order` is given.
   */
  strictOrder?: { hint: string }
  /** The history table as that version of the tool makes it that wrote this folder. Absent: the format's own. */
  shape?: HistoryShape
}

/** What became of asking the tool itself to write a migration. */
export interface Delegated {
  /** Absolute paths of what the tool wrote; null: it wrote nothing, and the notices say why. */
  files: readonly string[] | null
  /** What belongs beside it and the tool does not write. */
  also: readonly TemplateFile[]
  notices: readonly Notice[]
}

/** A file to be written by `make`. */
export interface TemplateFile {
  /** Absolute path. */
  path: string
  text: string
  /** What the file holds now, where one that is there gets more (a journal). Absent: it must not be there. */
  replaces?: string
}

/**
 * How a tool writes migrations on disk, and what its history table looks like.
 *
 * How one is added to a project is in docs/add-a-format.md. To build one in: 1. a file in `formats/` exporting a
 * `Format`; 2. its name in `formatNames` and in `formats/registry.ts`; 3. a fixture folder under `test/fixtures/`;
 * 4. `test/conformance/format.ts` run over it.
 */
export interface Format {
  readonly name: FormatName | (string & {})
  readonly history: HistoryShape
  /** Does this folder look like this format? 0: no; higher: more certain. */
  detect(dir: string): Promise<number>
  /** Folders that the tool's own config in the project names; null or absent: there is none, or it names none. */
  findDirs?(options: FormatOptions): Promise<readonly string[] | null>
  /** Reads and checks every file. Throws `TenantryError` with all problems of the folder. */
  load(options: FormatOptions): Promise<LoadedMigrations>
  /**
   * Lets the tool itself write a new migration, where it is installed in the project and can make more of it than an
   * empty file. `template` is used where it did not. Absent: the format has no such tool.
   */
  delegate?(
    options: FormatOptions,
    name: string,
    details: { description: string | null; now: Date },
  ): Promise<Delegated>
  /** Files for a new migration, following the folder's own conventions. Writes nothing. */
  template(
    options: FormatOptions,
    name: string,
    details: { description: string | null; now: Date },
  ): Promise<TemplateFile[]>
}
