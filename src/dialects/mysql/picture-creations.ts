import type { Connection } from '../../model/dialect.ts'
import type { Creation, ObjectKind, PictureObject } from '../../model/picture.ts'
import type { MysqlConnection } from './connection.ts'
import { nameOf, wordsOf } from './lex.ts'
import { parseTable } from './picture-objects.ts'
import { programCreations } from './picture-program-creations.ts'
import { type Catalog, readCatalog } from './picture-read.ts'
import type { Part, Table } from './picture-table.ts'
import { markOwn, withoutDefiner } from './picture-text.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'

/** In an order in which they can be made. Foreign keys come when all tables and keys are there. */
const order: readonly ObjectKind[] = [
  'sequence',
  'table',
  'column',
  'primary-key',
  'unique',
  'index',
  'check',
  'foreign-key',
  'comment',
  'function',
  'procedure',
  'view',
  'trigger',
  'event',
  'grant',
]

/** What is asked for, by kind and name; or by the table that it belongs to, where that is asked for as a whole. */
export type Asked = (kind: ObjectKind, name: string, of?: string) => boolean

/**
 * What makes these objects, as SHOW CREATE tells it. A table that is asked for comes with its columns, keys, checks and
 * comments; its foreign keys and triggers follow where they are asked for, too, or where nothing of the table is asked
 * for but itself.
 *
 * Nothing is given for what could only be made by changing what is there (a comment on a column), for grants, and for
 * tables whose definition holds a connection string: it may hold a password.
 *
 * A program is made under its own `sql_mode`, by a statement before it, and one behind it takes that back: after a failure
 * in between the session needs a reset.
 *
 * @throws {@link DatabaseError}
 */
export async function readCreations(
  connection: Connection,
  target: string | null,
  objects: readonly PictureObject[],
): Promise<Creation[]> {
  const kinds: ObjectKind[] = ['function', 'procedure', 'trigger', 'event']
  const catalog = await readCatalog(connection, target, { kinds, exceptTables: [] })
  if (catalog === null || objects.length === 0) return []
  const keys = new Set(objects.map(({ kind, name }) => `${kind} ${name}`))
  const holders = new Set(objects.map(({ of }) => of))
  // A table is never without a column: where none is asked for, its parts were folded into it.
  const whole = new Set(
    objects.filter(({ kind, name }) => kind === 'table' && !holders.has(name)).map(({ name }) => name),
  )
  const asked: Asked = (kind, name, of) => keys.has(`${kind} ${name}`) || (of !== undefined && whole.has(of))
  const made = [
    ...catalog.tables.flatMap(({ name, kind, text }) => {
      if (text === null) return []
      if (kind === 'view') return asked('view', name) ? [viewCreation(catalog, name, text)] : []
      if (kind === 'sequence') return asked('sequence', name) ? [{ kind, name, statements: [sequenceText(text)] }] : []
      return tableCreations(catalog, parseTable(catalog, text), asked)
    }),
    ...(await programCreations(connection as MysqlConnection, catalog, asked)),
  ]
  const sorted = made.sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind))
  return sortViews(sorted)
}

const sequenceText = (text: string) => text.replace(/\s*ENGINE=\w+$/, '')

function tableCreations(catalog: Catalog, table: Table, asked: Asked): Creation[] {
  const own = (text: string) => markOwn(text, catalog.own)
  const name = quoteIdentifier(table.name)
  const alter = (actions: readonly string[]) => `ALTER TABLE ${name} ${actions.map(own).join(', ')}`
  const inside = (part: string) => `${table.name}.${part}`
  const add = (part: Part): Creation => ({
    kind: part.kind,
    name: inside(part.name),
    statements: [alter([`ADD ${part.clause}`])],
  })
  const isKey = ({ kind }: Part) => kind === 'primary-key' || kind === 'unique' || kind === 'index'
  if (asked('table', table.name)) {
    if (table.isRemote) return []
    const inner = table.parts.filter(({ kind }) => kind !== 'foreign-key').map(({ clause }) => clause)
    const lines = [...table.columns.map(({ clause }) => clause), ...table.periods, ...inner].map(
      (line) => `  ${own(line)}`,
    )
    const statement = `CREATE TABLE ${name} (\n${lines.join(',\n')}\n) ${own(table.options)}`.trimEnd()
    const foreign = table.parts.filter(
      (part) => part.kind === 'foreign-key' && asked('foreign-key', inside(part.name), table.name),
    )
    return [{ kind: 'table', name: table.name, statements: [statement] }, ...foreign.map(add)]
  }
  const done = new Set<Part>()
  const columns = table.columns
    .filter((column) => asked('column', inside(column.name)))
    // What is computed may be computed from one of the others.
    .sort((a, b) => Number(a.isGenerated) - Number(b.isGenerated))
    .map((column): Creation => {
      // A counter must be a key from its first moment on.
      const key = column.hasCounter
        ? table.parts.find((part) => isKey(part) && part.first === column.name && asked(part.kind, inside(part.name)))
        : undefined
      if (key !== undefined) done.add(key)
      const actions = [`ADD COLUMN ${column.clause}`, ...(key === undefined ? [] : [`ADD ${key.clause}`])]
      return { kind: 'column', name: inside(column.name), statements: [alter(actions)] }
    })
  const parts = table.parts.filter((part) => !done.has(part) && asked(part.kind, inside(part.name))).map(add)
  const comment: Creation[] =
    table.comment !== null && asked('comment', table.name)
      ? [
          {
            kind: 'comment',
            name: table.name,
            statements: [`ALTER TABLE ${name} COMMENT = ${quoteLiteral(table.comment)}`],
          },
        ]
      : []
  return [...columns, ...parts, ...comment]
}

function viewCreation(catalog: Catalog, name: string, text: string): Creation {
  // SHOW CREATE of another database's view writes that database in front of the name.
  return { kind: 'view', name, statements: [markOwn(withoutDefiner(text), catalog.own)] }
}

/** Views behind the views that they are made of. */
function sortViews(creations: readonly Creation[]): Creation[] {
  const views = new Map(creations.filter(({ kind }) => kind === 'view').map((view) => [view.name.toLowerCase(), view]))
  const placed = new Set<Creation>()
  const place = (view: Creation) => {
    if (placed.has(view)) return
    placed.add(view)
    for (const word of wordsOf(view.statements[0] ?? '')) {
      if (word.type !== 'name') continue
      const other = views.get(nameOf(word).toLowerCase())
      if (other === undefined || placed.has(other)) continue
      place(other)
      sorted.push(other)
    }
  }
  const sorted: Creation[] = []
  for (const view of views.values()) {
    if (placed.has(view)) continue
    place(view)
    sorted.push(view)
  }
  const at = creations.findIndex(({ kind }) => kind === 'view')
  const others = creations.filter(({ kind }) => kind !== 'view')
  return at === -1 ? others : [...others.slice(0, at), ...sorted, ...others.slice(at)]
}
