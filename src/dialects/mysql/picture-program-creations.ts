import type { Creation } from '../../model/picture.ts'
import type { MysqlConnection } from './connection.ts'
import type { Asked } from './picture-creations.ts'
import { isDisabled, routineName, scheduleOf } from './picture-programs.ts'
import { type Catalog, type Row, readIn, text } from './picture-read.ts'
import { markOwn, modesOf, withoutDefiner } from './picture-text.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'

/** A program keeps the `sql_mode` that it is made under: it is set for the one statement. */
function underMode(sqlMode: string, statements: readonly string[], timeZone?: string): string[] {
  const zone =
    timeZone === undefined
      ? ['', '']
      : [
          `, @tenantry_zone = @@SESSION.time_zone, SESSION time_zone = ${quoteLiteral(timeZone)}`,
          ', SESSION time_zone = @tenantry_zone',
        ]
  return [
    `SET @tenantry_mode = @@SESSION.sql_mode, SESSION sql_mode = ${quoteLiteral(sqlMode)}${zone[0]}`,
    ...statements,
    `SET SESSION sql_mode = @tenantry_mode${zone[1]}`,
  ]
}

/** Routines, triggers and events that are asked for. What this role may not read is not among them. */
export async function programCreations(
  connection: MysqlConnection,
  catalog: Catalog,
  asked: Asked,
): Promise<Creation[]> {
  return [
    ...(await routineCreations(connection, catalog, asked)),
    ...triggerCreations(catalog, asked),
    ...eventCreations(catalog, asked),
  ]
}

const own = (catalog: Catalog, sql: string, row: Row) => markOwn(sql, catalog.own, modesOf(text(row.SQL_MODE)))

async function routineCreations(connection: MysqlConnection, catalog: Catalog, asked: Asked): Promise<Creation[]> {
  const rows = catalog.routines.filter((row) => {
    const { kind, name } = routineName(row)
    return asked(kind, name) && row.ROUTINE_DEFINITION != null
  })
  if (rows.length === 0) return []
  const place = quoteIdentifier(catalog.own.database)
  const shown = await readIn(
    connection,
    rows.map((row) => `SHOW CREATE ${text(row.ROUTINE_TYPE)} ${place}.${quoteIdentifier(text(row.ROUTINE_NAME))}`),
  )
  return rows.flatMap((row, at): Creation[] => {
    const [, created] = Object.entries(shown[at]?.[0] ?? {}).find(([column]) => column.startsWith('Create ')) ?? []
    if (created == null) return []
    const { kind, name } = routineName(row)
    const statement = own(catalog, withoutDefiner(text(created)), row)
    return [{ kind, name, statements: underMode(text(row.SQL_MODE), [statement]) }]
  })
}

function triggerCreations(catalog: Catalog, asked: Asked): Creation[] {
  const nameOf = (row: Row) => `${text(row.EVENT_OBJECT_TABLE)}.${text(row.TRIGGER_NAME)}`
  const isAsked = (row: Row) => asked('trigger', nameOf(row), text(row.EVENT_OBJECT_TABLE))
  const sameMoment = (a: Row, b: Row) =>
    ['EVENT_OBJECT_TABLE', 'ACTION_TIMING', 'EVENT_MANIPULATION'].every((column) => a[column] === b[column])
  const byOrder = [...catalog.triggers].sort((a, b) => Number(a.ACTION_ORDER) - Number(b.ACTION_ORDER))
  return byOrder.filter(isAsked).map((row) => {
    // It is made behind all others: where there is a later one already, in front of it.
    const later = byOrder.find(
      (other) => sameMoment(row, other) && Number(other.ACTION_ORDER) > Number(row.ACTION_ORDER) && !isAsked(other),
    )
    const head = `CREATE TRIGGER ${quoteIdentifier(text(row.TRIGGER_NAME))} ${text(row.ACTION_TIMING)} ${text(row.EVENT_MANIPULATION)} ON ${quoteIdentifier(text(row.EVENT_OBJECT_TABLE))} FOR EACH ROW`
    const placed = later === undefined ? '' : ` PRECEDES ${quoteIdentifier(text(later.TRIGGER_NAME))}`
    const statement = `${head}${placed} ${own(catalog, text(row.ACTION_STATEMENT), row)}`
    return { kind: 'trigger', name: nameOf(row), statements: underMode(text(row.SQL_MODE), [statement]) }
  })
}

function eventCreations(catalog: Catalog, asked: Asked): Creation[] {
  return catalog.events
    .filter((row) => asked('event', text(row.EVENT_NAME)))
    .map((row) => {
      const comment = text(row.EVENT_COMMENT)
      const statement = [
        `CREATE EVENT ${quoteIdentifier(text(row.EVENT_NAME))} ON SCHEDULE ${scheduleOf(row)}`,
        `ON COMPLETION ${text(row.ON_COMPLETION)} ${isDisabled(row) ? 'DISABLE' : 'ENABLE'}`,
        ...(comment === '' ? [] : [`COMMENT ${quoteLiteral(comment)}`]),
        `DO ${own(catalog, text(row.EVENT_DEFINITION), row)}`,
      ].join(' ')
      const statements = underMode(text(row.SQL_MODE), [statement], text(row.TIME_ZONE))
      return { kind: 'event', name: text(row.EVENT_NAME), statements }
    })
}
