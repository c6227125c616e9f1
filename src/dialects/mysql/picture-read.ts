import { type Connection, DatabaseError } from '../../model/dialect.ts'
import type { PictureScope } from '../../model/picture.ts'
import type { MysqlConnection } from './connection.ts'
import { charsetName, type Own } from './picture-text.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'

export type Row = Record<string, unknown>

/** What the server says of one database, before anything is made of it. */
export interface Catalog {
  own: Own
  /** Default collation of the database. */
  collation: string
  /** Per character set, the collation that it has where none is named. */
  defaults: ReadonlyMap<string, string>
  /** Texts of SHOW CREATE; null: this role may not read it. */
  tables: readonly { name: string; kind: 'table' | 'view' | 'sequence'; text: string | null }[]
  routines: readonly Row[]
  parameters: readonly Row[]
  triggers: readonly Row[]
  events: readonly Row[]
  grants: readonly Row[]
}

/** Only a statement that is just replacing a table keeps its definition from being read; its own default waits a day. */
const lockWaitSeconds = 30

/** What is set while definitions are read: they are written in the words of the session's `sql_mode` (ANSI_QUOTES, ORACLE). */
const readingSettings: readonly [variable: string, value: string | number][] = [
  ['sql_mode', "''"],
  ['sql_quote_show_create', 1],
  ['lock_wait_timeout', lockWaitSeconds],
]
const kept = (variable: string) => `@tenantry_${variable}`

const prepare = `SET ${[
  ...readingSettings.map(([variable]) => `${kept(variable)} = @@SESSION.${variable}`),
  ...readingSettings.map(([variable, value]) => `SESSION ${variable} = ${value}`),
].join(', ')}`

const restore = `SET ${[
  ...readingSettings.map(([variable]) => `SESSION ${variable} = COALESCE(${kept(variable)}, @@SESSION.${variable})`),
  ...readingSettings.map(([variable]) => `${kept(variable)} = NULL`),
].join(', ')}`

/** SHOW statements of one message: a database of thousands of tables is not asked for at once. */
const showsAtOnce = 500

/** SQLSTATEs: there is no such table, view, sequence (42S02); this role may not look (42000 with these words). */
const gone = '42S02'

export function text(value: unknown): string {
  return value == null ? '' : Buffer.isBuffer(value) ? value.toString('utf8') : String(value)
}

/** Runs statements in the session that definitions are read in; rows of each. Throws {@link DatabaseError}. */
export async function readIn(connection: MysqlConnection, statements: readonly string[]): Promise<Row[][]> {
  try {
    return (await connection.results([prepare, ...statements, restore])).slice(1, -1)
  } catch (error) {
    if (!connection.broken) await connection.run(restore).catch(() => [])
    throw error
  }
}

function questions(database: string, scope: Pick<PictureScope, 'kinds'>): string[] {
  const is = (column: string) => `${column} = ${quoteLiteral(database)}`
  const from = (view: string, column: string, columns = '*') =>
    `SELECT ${columns} FROM information_schema.${view} WHERE ${is(column)}`
  const routines =
    'ROUTINE_NAME, ROUTINE_TYPE, DTD_IDENTIFIER, COLLATION_NAME, ROUTINE_DEFINITION, IS_DETERMINISTIC, SQL_DATA_ACCESS, SECURITY_TYPE, SQL_MODE, ROUTINE_COMMENT'
  const parameters =
    'SPECIFIC_NAME, ROUTINE_TYPE, ORDINAL_POSITION, PARAMETER_MODE, PARAMETER_NAME, DTD_IDENTIFIER, COLLATION_NAME'
  const triggers =
    'TRIGGER_NAME, EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION, ACTION_ORDER, ACTION_STATEMENT, SQL_MODE'
  const asked = (kind: 'function' | 'procedure' | 'trigger' | 'event' | 'grant', sql: string) =>
    scope.kinds.includes(kind) ? sql : 'SELECT 1 FROM DUAL WHERE FALSE'
  const routineKind = scope.kinds.includes('function') ? 'function' : 'procedure'
  return [
    `SELECT SCHEMA_NAME AS name, DEFAULT_COLLATION_NAME AS collation, @@lower_case_table_names AS folded FROM information_schema.SCHEMATA WHERE ${is('SCHEMA_NAME')}`,
    'SELECT CHARACTER_SET_NAME AS name, DEFAULT_COLLATE_NAME AS collation FROM information_schema.CHARACTER_SETS',
    from('TABLES', 'TABLE_SCHEMA', 'TABLE_NAME AS name, TABLE_TYPE AS type'),
    asked(routineKind, from('ROUTINES', 'ROUTINE_SCHEMA', routines)),
    asked(routineKind, `${from('PARAMETERS', 'SPECIFIC_SCHEMA', parameters)} ORDER BY SPECIFIC_NAME, ORDINAL_POSITION`),
    asked('trigger', from('TRIGGERS', 'TRIGGER_SCHEMA', triggers)),
    asked('event', from('EVENTS', 'EVENT_SCHEMA')),
    asked('grant', grants(database)),
  ]
}

/**
 * Privileges on the database and on its tables. They are only told where this role may see those of others: its own
 * would differ from target to target as the roles do.
 */
function grants(database: string): string {
  // Names of databases are patterns in grants.
  const pattern = database.replaceAll(/[\\_%]/g, '\\$&')
  const ofDatabase = `TABLE_SCHEMA IN (${quoteLiteral(database)}, ${quoteLiteral(pattern)})`
  const sees =
    "(SELECT COUNT(DISTINCT GRANTEE) FROM information_schema.USER_PRIVILEGES WHERE GRANTEE NOT LIKE '''mariadb.sys''@%') > 1"
  return [
    `SELECT GRANTEE AS grantee, '' AS object, '' AS field, PRIVILEGE_TYPE AS privilege, IS_GRANTABLE AS grantable FROM information_schema.SCHEMA_PRIVILEGES WHERE ${ofDatabase} AND ${sees}`,
    `SELECT GRANTEE, TABLE_NAME, '', PRIVILEGE_TYPE, IS_GRANTABLE FROM information_schema.TABLE_PRIVILEGES WHERE ${ofDatabase} AND ${sees}`,
    `SELECT GRANTEE, TABLE_NAME, COLUMN_NAME, PRIVILEGE_TYPE, IS_GRANTABLE FROM information_schema.COLUMN_PRIVILEGES WHERE ${ofDatabase} AND ${sees}`,
  ].join(' UNION ALL ')
}

/** One SHOW for each, in as few messages as can be; null: the role may not, undefined: it is gone. */
async function show(connection: MysqlConnection, statements: readonly string[]): Promise<(Row | null | undefined)[]> {
  const found: (Row | null | undefined)[] = []
  for (let from = 0; from < statements.length; from += showsAtOnce) {
    const some = statements.slice(from, from + showsAtOnce)
    try {
      found.push(...(await readIn(connection, some)).map(([row]) => row))
    } catch (error) {
      if (!(error instanceof DatabaseError) || connection.broken || error.failure.kind !== 'statement') throw error
      for (const one of some) found.push(await showAlone(connection, one))
    }
  }
  return found
}

async function showAlone(connection: MysqlConnection, statement: string): Promise<Row | null | undefined> {
  try {
    return (await readIn(connection, [statement]))[0]?.[0]
  } catch (error) {
    if (!(error instanceof DatabaseError) || connection.broken || error.failure.kind !== 'statement') throw error
    if (error.failure.sqlstate === gone) return undefined
    if (error.failure.sqlstate === '42000') return null
    throw error
  }
}

const shown = (row: Row) =>
  text(Object.entries(row).find(([column]) => /^Create (Table|View|Sequence)$/i.test(column))?.[1])

/**
 * Reads a database's catalog in two round trips: lists and programs from `information_schema`, then SHOW CREATE for each
 * table, which alone tells everything about a table in every version. null: there is no such database.
 *
 * @throws {@link DatabaseError}
 */
export async function readCatalog(
  connection: Connection,
  target: string | null,
  scope: Pick<PictureScope, 'kinds' | 'exceptTables'>,
): Promise<Catalog | null> {
  const session = connection as MysqlConnection
  const database = target ?? connection.database
  const answers = await readIn(session, questions(database, scope))
  const [schemata = [], charsets = [], relations = [], routines = [], parameters = [], triggers = [], events = []] =
    answers
  const [home] = schemata
  if (home === undefined) return null
  const folded = Number(home.folded) !== 0
  const fold = (name: string) => (folded ? name.toLowerCase() : name)
  const except = new Set(scope.exceptTables.map(fold))
  const wanted = relations
    .map((row) => ({ name: text(row.name), kind: kindOf(text(row.type)) }))
    .filter(({ name, kind }) => kind !== null && !except.has(fold(name)))
    .map(({ name, kind }) => ({ name, kind: kind as 'table' | 'view' | 'sequence' }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  const place = quoteIdentifier(database)
  const texts = await show(
    session,
    wanted.map(({ name, kind }) => `SHOW CREATE ${kind.toUpperCase()} ${place}.${quoteIdentifier(name)}`),
  )
  return {
    own: {
      database: text(home.name),
      objects: new Set(
        [...relations.map((row) => row.name), ...routines.map((row) => row.ROUTINE_NAME)].map((name) =>
          text(name).toLowerCase(),
        ),
      ),
      folded,
    },
    collation: charsetName(text(home.collation)),
    defaults: new Map(charsets.map((row) => [charsetName(text(row.name)), charsetName(text(row.collation))])),
    tables: wanted.flatMap((one, at) => {
      const row = texts[at]
      return row === undefined ? [] : [{ ...one, text: row === null ? null : shown(row) }]
    }),
    routines,
    parameters,
    triggers: triggers.filter((row) => !except.has(fold(text(row.EVENT_OBJECT_TABLE)))),
    events,
    grants: (answers[7] ?? []).filter((row) => !except.has(fold(text(row.object)))),
  }
}

/** null: no thing of the database's own (a session's temporary table). */
function kindOf(type: string): 'table' | 'view' | 'sequence' | null {
  if (type === 'VIEW') return 'view'
  if (type === 'SEQUENCE') return 'sequence'
  return type === 'BASE TABLE' || type === 'SYSTEM VERSIONED' ? 'table' : null
}
