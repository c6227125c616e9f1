import { DatabaseError } from '../../model/dialect.ts'
import { type Creation, objectKinds, ownSchema, type PictureObject } from '../../model/picture.ts'
import { placeTable, type Snapshot, type Snapshots } from '../../model/places.ts'
import type { MysqlConnection } from './connection.ts'
import { pictures } from './pictures.ts'
import { quoteIdentifier } from './quote.ts'
import { readRows, readSequences, type TableRows, underUtc } from './snapshot-rows.ts'

const scope = { kinds: objectKinds.filter((kind) => kind !== 'grant'), exceptTables: [placeTable], ignore: [] }

/** What loads and reads rows as they are: zeros stay zeros, no key is looked after, nothing is refused for its form. */
const opening = [
  "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO', SESSION foreign_key_checks = 0, SESSION unique_checks = 0",
  underUtc,
]

/**
 * A database as statements: tables, their rows and counters, then all that refers to tables or would act on rows that
 * come in. DDL commits by itself here: who loads it into a place must empty that place after a failure.
 */
export const snapshots: Snapshots = {
  fits: () => true,
  async take(given, schema) {
    if (schema !== null) return { why: 'a place of MySQL or MariaDB is a database' }
    const connection = given as MysqlConnection
    const picture = await pictures.describe(connection, null, scope)
    if (picture === null) return { why: 'the database is gone' }
    const { objects } = picture
    const creations = await pictures.creations(connection, null, objects)
    const namesOf = (kind: Creation['kind']) => creations.filter((one) => one.kind === kind).map(({ name }) => name)
    try {
      await connection.results(["SET SESSION sql_mode = ''", underUtc])
      const rows = await readRows(connection, namesOf('table'))
      if ('why' in rows) return rows
      const sequences = await readSequences(connection, namesOf('sequence'))
      return { statements: inOrder(creations, objects, rows, sequences), placeholder: ownSchema }
    } finally {
      if (!connection.broken) await connection.reset()
    }
  },
  async load(connection, _schema, snapshot) {
    const own = quoteIdentifier(connection.database)
    const { failure } = await connection.pipeline([...opening, ...fill(snapshot, own)])
    if (!connection.broken) await connection.reset()
    if (failure !== null) throw new DatabaseError(failure)
  },
}

function fill({ statements, placeholder }: Snapshot, own: string): string[] {
  return statements.map((text) => (placeholder === null ? text : text.replaceAll(placeholder, () => own)))
}

function inOrder(
  creations: readonly Creation[],
  objects: readonly PictureObject[],
  rows: readonly TableRows[],
  sequences: readonly string[],
): string[] {
  const counters = new Map(rows.map(({ name, counter }) => [name, counter]))
  const statementsOf = (which: (creation: Creation) => boolean) =>
    creations.filter(which).flatMap(({ statements }) => statements)
  const inserts = rows.flatMap((table) => table.inserts)
  return [
    ...statementsOf(({ kind }) => kind === 'sequence'),
    ...sequences,
    ...creations
      .filter(({ kind }) => kind === 'table')
      .map(({ name, statements: [text = ''] }) => withCounter(text, counters.get(name) ?? null)),
    ...(inserts.length === 0 ? [] : ['START TRANSACTION', ...inserts, 'COMMIT']),
    ...foreignKeys(creations, objects),
    ...statementsOf(({ kind }) => kind !== 'sequence' && kind !== 'table' && kind !== 'foreign-key'),
  ]
}

/** Behind the columns, in front of what else the table is. */
function withCounter(statement: string, counter: string | null): string {
  return counter === null ? statement : statement.replace('\n)', () => `\n) AUTO_INCREMENT=${counter}`)
}

/** All of one table in one statement. */
function foreignKeys(creations: readonly Creation[], objects: readonly PictureObject[]): string[] {
  const tableOf = new Map(objects.filter(({ kind }) => kind === 'foreign-key').map(({ name, of }) => [name, of]))
  const actions = new Map<string, string[]>()
  for (const { kind, name, statements } of creations) {
    if (kind !== 'foreign-key') continue
    const head = `ALTER TABLE ${quoteIdentifier(tableOf.get(name) ?? '')} `
    const own = actions.get(head) ?? []
    actions.set(head, own)
    own.push(...statements.map((text) => text.slice(head.length)))
  }
  return [...actions].map(([head, own]) => head + own.join(', '))
}
