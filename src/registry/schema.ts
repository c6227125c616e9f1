import type { RegistryWords } from '../model/registry-words.ts'

/** Our own tables. */
export const ownTables = {
  version: 'tenantry_registry',
  tenants: 'tenantry_tenants',
  extra: 'tenantry_tenant_extra',
  credentials: 'tenantry_credentials',
  audit: 'tenantry_audit',
  provisions: 'tenantry_provisions',
  heads: 'tenantry_heads',
} as const

export type OwnTable = keyof typeof ownTables

/** Gives the quoted name of one of our tables, with its schema. */
export type TableName = (table: OwnTable) => string

/** One step of our tables' own history. Only ever added to: registries out there are at any of them. */
export interface RegistryMigration {
  version: number
  /** For people: what it makes. */
  name: string
  /**
   * Each may be run again: where DDL commits by itself, a run that was cut off is begun anew.
   */
  statements(words: RegistryWords, table: TableName, quote: (name: string) => string): string[]
}

export const registryMigrations: readonly RegistryMigration[] = [
  {
    version: 1,
    name: 'tenants, credentials, audit, provisions and heads',
    statements: ({ types: { key, text, bigint, counter } }, table, quote) => {
      // A unique index over a column and the id is the one kind that every dialect takes within CREATE TABLE.
      const make = (name: OwnTable, columns: Readonly<Record<string, string>>, indexed: readonly string[] = []) =>
        `CREATE TABLE IF NOT EXISTS ${table(name)} (${[
          ...Object.entries(columns).map(([column, type]) => `${quote(column)} ${type}`),
          ...indexed.map((column) => `UNIQUE (${quote(column)}, ${quote('id')})`),
        ].join(', ')})`
      return [
        make('tenants', {
          id: `${key} NOT NULL PRIMARY KEY`,
          slug: `${key} NOT NULL UNIQUE`,
          name: text,
          topology: `${key} NOT NULL`,
          state: `${key} NOT NULL`,
          server: `${key} NOT NULL`,
          database_name: `${key} NOT NULL`,
          schema_name: key,
          // Null where tenants share a place.
          place_key: `${key} UNIQUE`,
          labels: text,
          created_at: `${key} NOT NULL`,
          updated_at: `${key} NOT NULL`,
        }),
        // What a team's own table of tenants has no column or no word for.
        make('extra', {
          tenant_id: `${key} NOT NULL PRIMARY KEY`,
          slug: key,
          name: text,
          topology: key,
          state: key,
          // The word that stood in their column when `state` was written: another one there is newer.
          state_word: key,
          server: key,
          schema_name: key,
          labels: text,
          updated_at: `${key} NOT NULL`,
        }),
        make('credentials', {
          tenant_id: `${key} NOT NULL PRIMARY KEY`,
          user_name: text,
          sealed: text,
          reference: text,
          updated_at: `${key} NOT NULL`,
        }),
        make(
          'audit',
          {
            id: counter,
            at: `${key} NOT NULL`,
            actor: `${text} NOT NULL`,
            tenant_id: `${key} NOT NULL`,
            slug: `${key} NOT NULL`,
            action: `${key} NOT NULL`,
            from_value: text,
            to_value: text,
          },
          ['tenant_id', 'slug'],
        ),
        make('provisions', {
          tenant_id: `${key} NOT NULL PRIMARY KEY`,
          token: `${key} NOT NULL`,
          step: `${key} NOT NULL`,
          owner: key,
          heartbeat_at: bigint,
          started_at: `${key} NOT NULL`,
          updated_at: `${key} NOT NULL`,
          attempts: `${bigint} NOT NULL`,
          facts: text,
          error: text,
        }),
        make('heads', {
          set_name: `${key} NOT NULL PRIMARY KEY`,
          migrations: `${text} NOT NULL`,
          rollout: key,
          state: `${key} NOT NULL`,
          heartbeat_at: bigint,
          actor: text,
          updated_at: `${key} NOT NULL`,
        }),
      ]
    },
  },
]

/** What this version of tenantry makes and reads. */
export const newestVersion = registryMigrations.at(-1)?.version ?? 0
