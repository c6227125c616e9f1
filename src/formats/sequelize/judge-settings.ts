import { TenantryError } from '../../model/errors.ts'
import type { Notice } from '../../model/migration.ts'
import type { DialectName } from '../../model/server.ts'
import { isSettings, type ToolConfig } from './read-config.ts'

/** What a config says about the history, and what a person should know about the rest. */
export interface JudgedSettings {
  history: { table?: string; schema?: string }
  notices: Notice[]
}

/**
 * Looks at the part of the config that is used. Throws CONFIG_INVALID for what cannot be kept: a history that is not in
 * a table, and a server whose certificate nobody checks.
 */
export function judgeSettings(config: ToolConfig, dialects: readonly DialectName[] | undefined): JudgedSettings {
  const { settings, shown, file } = config
  if (settings === null) return { history: {}, notices: [] }
  const context = file === null ? {} : { file }
  const storage = settings.migrationStorage
  if (storage === 'json' || storage === 'none') {
    const where = storage === 'json' ? 'in a file' : 'nowhere'
    throw new TenantryError(
      'CONFIG_INVALID',
      `${shown} keeps the history of migrations ${where} (migrationStorage: '${storage}'): no database says what it has.`,
      {
        hint: "Set migrationStorage: 'sequelize' (the default) there, and mark what each database has with `tenantry baseline --to <migration>`.",
        context,
      },
    )
  }
  if (leavesUnchecked(settings)) {
    throw new TenantryError(
      'CONFIG_INVALID',
      `${shown} takes any certificate for the server's (rejectUnauthorized: false), so that anybody in between can read and change everything. That is not adopted.`,
      {
        hint: "Give the CA that signed the server's certificate: `servers: { main: { tls: { ca: './ca.pem' } } }` in tenantry.config, and `ssl: { ca: fs.readFileSync('ca.pem', 'utf8') }` in place of rejectUnauthorized there. Hosted databases offer their CA for download.",
        context,
      },
    )
  }
  return { history: readHistory(settings), notices: describeDialect(config, settings.dialect, dialects) }
}

/** In `dialectOptions.ssl`, or in `ssl` itself. */
function leavesUnchecked(settings: Readonly<Record<string, unknown>>): boolean {
  const options = isSettings(settings.dialectOptions) ? settings.dialectOptions : {}
  return [options.ssl, settings.ssl].some((ssl) => isSettings(ssl) && ssl.rejectUnauthorized === false)
}

function readHistory(settings: Readonly<Record<string, unknown>>): { table?: string; schema?: string } {
  const { migrationStorageTableName: table, migrationStorageTableSchema: schema } = settings
  return {
    ...(typeof table === 'string' && table !== '' ? { table } : {}),
    ...(typeof schema === 'string' && schema !== '' ? { schema } : {}),
  }
}

const known: Readonly<Record<string, DialectName>> = {
  postgres: 'postgres',
  postgresql: 'postgres',
  mysql: 'mysql',
  mariadb: 'mysql',
  sqlite: 'sqlite',
}

function describeDialect(
  { shown, file }: ToolConfig,
  dialect: unknown,
  dialects: readonly DialectName[] | undefined,
): Notice[] {
  const own = typeof dialect === 'string' ? known[dialect] : undefined
  if (own === undefined || dialects === undefined || dialects.length === 0 || dialects.includes(own)) return []
  return [
    {
      rule: 'sequelize-dialect',
      message: `${shown} is written for ${dialect}, and the servers are ${dialects.join(' and ')}: those decide.`,
      hint: 'Choose the environment that these migrations are run in with --env.',
      ...(file === null ? {} : { file }),
    },
  ]
}
