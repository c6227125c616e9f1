import type { MappedField, MappedTenants } from '../config/resolved.ts'
import type { Notice } from '../model/migration.ts'
import type { TableColumn } from '../model/registry-words.ts'

/** What teams call these columns, letters only: `db_host`, `dbHost` and `DB_HOST` are one. Likeliest first. */
const usualNames: Readonly<Partial<Record<MappedField, readonly string[]>>> = {
  id: ['id', 'tenantid', 'uuid'],
  slug: ['slug', 'subdomain', 'code', 'key'],
  name: ['name', 'companyname', 'displayname', 'company'],
  topology: ['mode', 'tenancymode', 'tenancy', 'isolation', 'topology'],
  state: ['status', 'state'],
  server: ['server', 'dbserver'],
  host: ['dbhost', 'databasehost'],
  port: ['dbport', 'databaseport'],
  database: ['dbname', 'databasename', 'database'],
  schema: ['schemaname', 'dbschema', 'databaseschema', 'schema'],
  user: ['dbuser', 'dbusername', 'databaseuser', 'databaseusername'],
  password: [
    'dbpasswordencrypted',
    'encrypteddbpassword',
    'dbpasswordenc',
    'databasepasswordencrypted',
    'dbpassencrypted',
    'encryptedpassword',
    'dbpassword',
    'dbpass',
    'databasepassword',
  ],
  createdAt: ['createdat'],
  updatedAt: ['updatedat'],
}

/** What their words usually mean. `dedicated` in a table of tenants with databases: that customer migrates its own. */
const usualWords: MappedTenants['values'] = {
  topology: inEveryCase({ shared: 'database', dedicated: null, database: 'database', schema: 'schema' }),
  state: inEveryCase({
    active: 'active',
    enabled: 'active',
    suspended: 'suspended',
    inactive: 'suspended',
    disabled: 'suspended',
    paused: 'suspended',
    archived: 'archived',
    deleted: 'archived',
    pending: 'provisioning',
    provisioning: 'provisioning',
    creating: 'provisioning',
    failed: 'failed',
    error: 'failed',
  }),
}

function inEveryCase<T>(words: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(
    Object.entries(words).flatMap(([word, ours]) => [
      [word, ours],
      [word.toUpperCase(), ours],
      [word.charAt(0).toUpperCase() + word.slice(1), ours],
    ]),
  )
}

/** Tables that may be it, by name. */
export const usualTables = ['tenants', 'Tenant', 'Tenants', 'tenant'] as const

/** How a table of the usual columns is mapped; null: it does not say which tenants are where. */
export function recogniseTenants(
  table: string,
  schema: string | null,
  all: readonly TableColumn[],
): MappedTenants | null {
  const byLetters = new Map(all.map(({ name }) => [name.toLowerCase().replace(/[^a-z]/g, ''), name]))
  const columns: Partial<Record<MappedField, string>> = {}
  for (const [field, names] of Object.entries(usualNames)) {
    const found = names.map((name) => byLetters.get(name)).find((name) => name !== undefined)
    if (found !== undefined) columns[field as MappedField] = found
  }
  if (columns.id === undefined || (columns.database === undefined && columns.schema === undefined)) return null
  return {
    table,
    schema,
    columns,
    labels: {},
    values: usualWords,
    defaults: { topology: columns.database === undefined ? 'schema' : 'database', server: null, dialect: null },
    password: 'auto',
  }
}

/** Says which columns were taken for what. */
export function describeRecognised({ table, columns }: MappedTenants): Notice {
  const taken = Object.entries(columns).map(([field, column]) => (field === column ? field : `${field} = ${column}`))
  return {
    rule: 'registry-table',
    message: `Tenants are read from the table "${table}" of the registry: ${taken.join(', ')}.`,
    hint: 'a config with `registry.tenants` says it otherwise',
  }
}
