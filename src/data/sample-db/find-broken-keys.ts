import type { EmptyingKey } from '../../model/emptying.ts'
import type { SampleBrokenKey } from '../../model/sample-db.ts'
import { type CountedTable, isKept } from './count-tables.ts'
import type { SampleWork } from './sample-work.ts'

/** Every foreign key by which rows that stay point to rows that go. Throws `DatabaseError`. */
export async function findBrokenKeys(work: SampleWork, counted: readonly CountedTable[]): Promise<SampleBrokenKey[]> {
  const byId = new Map(counted.map((one) => [one.table.id, one]))
  const broken: SampleBrokenKey[] = []
  for (const child of counted) {
    if (child.kept === 0 && !child.table.isOutside) continue
    for (const key of child.table.keys) {
      const parent = byId.get(key.to)
      if (parent === undefined || parent.rows === parent.kept) continue
      const found = await askAbout(work, child, key, parent)
      if (found !== null) broken.push(found)
    }
  }
  return broken
}

async function askAbout(
  { connection, dialect, emptying }: SampleWork,
  child: CountedTable,
  key: EmptyingKey,
  parent: CountedTable,
): Promise<SampleBrokenKey | null> {
  const quote = dialect.quoteIdentifier
  const same = child.table.rowKey.map((column, i) => `s.k${i} ${emptying.equals} x.${column}`).join(' AND ')
  const stays = child.keptIndex === null ? '' : ` JOIN ${emptying.kept(child.keptIndex, 'child')} AS s ON ${same}`
  const matches = key.toColumns.map(
    (column, i) => `p.${quote(column)} ${key.operators[i] ?? '='} x.${quote(key.columns[i] as string)}`,
  )
  const goes = parent.keptIndex === null ? [] : [`NOT ${isKept(emptying, parent, 'p')}`]
  // A row that points nowhere already is not made worse.
  const from = `FROM ${child.table.place} AS x${stays} WHERE EXISTS (SELECT 1 FROM ${parent.table.place} AS p WHERE ${[...matches, ...goes].join(' AND ')})`
  const [count] = await connection.query(`SELECT COUNT(*) AS n ${from}`)
  const rows = Number(count?.n)
  if (rows === 0) return null
  const values = key.columns.map((column, i) => `${dialect.phrases.asText(`x.${quote(column)}`)} AS e${i}`)
  const [example = {}] = await connection.query(`SELECT ${values.join(', ')} ${from} LIMIT 1`)
  return {
    ...{ key: key.name, table: child.table.id, columns: key.columns, to: key.to, rows },
    example: key.columns.map((_, i) => String(example[`e${i}`])),
  }
}
