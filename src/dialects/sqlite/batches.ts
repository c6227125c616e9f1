import type { Batches, KeyColumn, TextParameter, WalkedTable } from '../../model/batches.ts'
import type { Connection } from '../../model/dialect.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'
import { foldName, readWordsOf } from './words.ts'

type Row = Record<string, unknown>

/** What `quote()` writes: a number, a text or a blob. */
const literalShape = /^(?:-?\d+(?:\.\d+)?(?:e[+-]?\d+)?|'(?:[^']|'')*'|X'[0-9A-F]*')$/i

/** A column takes values of any type, and they are ordered by type first: so the literal itself is kept. */
function keyColumn(name: string): KeyColumn {
  const quoted = quoteIdentifier(name)
  return {
    name: quoted,
    asText: `quote(${quoted})`,
    literal(text) {
      if (!literalShape.test(text)) throw new RangeError('a key that should be a literal is none')
      return text
    },
    value: (text) => (text.startsWith("'") ? text.slice(1, -1).replaceAll("''", "'") : text),
  }
}

async function table(
  connection: Connection,
  _schema: string | null,
  name: string,
  key: readonly string[],
  tenantColumn: string,
): Promise<WalkedTable | null> {
  const [found] = await connection.query(
    `SELECT name, type FROM main.sqlite_master WHERE type IN ('table', 'view') AND name = ${quoteLiteral(name)} COLLATE NOCASE`,
  )
  if (found === undefined) return null
  const own = String(found.name)
  const columns = await connection.query(
    `SELECT name, type, "notnull" AS required, pk FROM pragma_table_xinfo(${quoteLiteral(own)}, 'main')`,
  )
  const indexes = await connection.query(
    `SELECT i.name AS "index", c.name AS part FROM pragma_index_list(${quoteLiteral(own)}, 'main') i
       JOIN pragma_index_xinfo(i.name, 'main') c ON c.key = 1 WHERE i."unique" = 1 AND i.partial = 0 ORDER BY i.seq, c.seqno`,
  )
  const [listed] = await connection.query(
    `SELECT wr FROM pragma_table_list(${quoteLiteral(own)}) WHERE schema = 'main'`,
  )
  return {
    place: `main.${quoteIdentifier(own)}`,
    schema: 'main',
    key: key.map(keyColumn),
    obstacle: findObstacle(found, columns, indexes, Number(listed?.wr) === 1, key, tenantColumn),
    hasTenantColumn: columns.some((column) => foldName(String(column.name)) === foldName(tenantColumn)),
    estimatedRows: null,
    rowSecurity: false,
    policySettings: [],
  }
}

function findObstacle(
  { type }: Row,
  columns: readonly Row[],
  indexes: readonly Row[],
  isWithoutRowid: boolean,
  key: readonly string[],
  tenantColumn: string,
): string | null {
  if (type === 'view') return 'it is a view'
  const primary = columns.filter(({ pk }) => Number(pk) > 0).sort((a, b) => Number(a.pk) - Number(b.pk))
  const isRowid = !isWithoutRowid && primary.length === 1 && /^integer$/i.test(String(primary[0]?.type))
  const found = key.map((name) => columns.find((column) => foldName(String(column.name)) === foldName(name)))
  const missing = key.find((_, i) => found[i] === undefined)
  if (missing !== undefined) return `it has no column ${missing}`
  const mayBeNull = (column: Row | undefined) =>
    Number(column?.required) === 0 && !(Number(column?.pk) > 0 && (isRowid || isWithoutRowid))
  const nullable = found.find(mayBeNull)
  if (nullable !== undefined) return `its column ${nullable.name} may be NULL, and such rows would be passed over`
  if (key.length === 0) return null
  const unique = new Map<string, string[]>()
  if (primary.length > 0)
    unique.set(
      '',
      primary.map(({ name }) => String(name)),
    )
  for (const { index, part } of indexes) unique.set(String(index), [...(unique.get(String(index)) ?? []), String(part)])
  const wanted = [key, [tenantColumn, ...key]].map((names) => names.map(foldName).join('\0'))
  if ([...unique.values()].some((names) => wanted.includes(names.map(foldName).join('\0')))) return null
  const others = [...new Set([...unique.values()].map((names) => `(${names.join(', ')})`))]
  return `it has no unique index on (${key.join(', ')})${others.length === 0 ? '' : `; there is one on ${others.join(', ')}`}`
}

function parameters(text: string): TextParameter[] {
  return [...readWordsOf(text)].flatMap(({ type, start, end, text: written }) =>
    type === 'variable' && /^:[A-Za-z_]\w*$/.test(written) ? [{ name: written.slice(1), start, end }] : [],
  )
}

export const batches: Batches = {
  table,
  after: (key, cursor) => {
    const names = key.map(({ name }) => name)
    const values = key.map(({ literal }, i) => literal(cursor[i] as string))
    return key.length === 1 ? `${names[0]} > ${values[0]}` : `(${names.join(', ')}) > (${values.join(', ')})`
  },
  parameters,
  mark: (index) => `:tenantry_${index}`,
  beforeRows: 'VALUES ',
  // Who writes has the whole file, for as long as a batch takes; nobody keeps a list of those who wait.
  pressure: async () => ({ lockWaits: null, replicaLagMs: null }),
  actAs: () => [],
  nowMs: "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
  // Its transactions begin as writers.
  forUpdate: '',
  bigint: 'INTEGER',
}
