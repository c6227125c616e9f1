import type { SeedColumn, SeedLiteral, SeedWords } from '../../model/seed-words.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'

function column(name: string, type: string): SeedColumn {
  const quoted = quoteIdentifier(name)
  const isTruth = /bool/i.test(type)
  // The literal itself: what is of another type is another value.
  const asText = `CASE WHEN ${quoted} IS NULL THEN NULL ELSE quote(${quoted}) END`
  return {
    name,
    quoted,
    asText,
    copyText: asText,
    copied(text) {
      if (!/^(?:[+-]?[\d.]+(?:e[+-]?\d+)?|[+-]?9\.0e\+?999|'(?:[^']|'')*'|X'[0-9A-F]*')$/i.test(text))
        throw new RangeError('a value that should be a literal is none')
      return text
    },
    literal: (value) => literal(value, isTruth),
  }
}

function literal(value: SeedLiteral, isTruth: boolean): string {
  switch (value.kind) {
    case 'null':
      return 'NULL'
    case 'boolean':
      return value.value ? '1' : '0'
    case 'number':
      return value.text
    case 'bytes':
      return `X'${value.hex}'`
    default:
      if (isTruth && /^(?:true|false)$/i.test(value.text)) return value.text.toLowerCase() === 'true' ? '1' : '0'
      return quoteLiteral(value.text)
  }
}

export const seedWords: SeedWords = {
  async table(connection, _schema, table) {
    const [found] = await connection.query(
      `SELECT name, type FROM main.sqlite_master WHERE type IN ('table', 'view') AND name = ${quoteLiteral(table)} COLLATE NOCASE`,
    )
    if (found === undefined) return null
    const own = quoteLiteral(String(found.name))
    const columns = await connection.query(`SELECT name, type, pk FROM pragma_table_xinfo(${own}, 'main') ORDER BY cid`)
    const parts = await connection.query(
      `SELECT i.name AS k, c.name AS part FROM pragma_index_list(${own}, 'main') i
         JOIN pragma_index_xinfo(i.name, 'main') c ON c.key = 1 WHERE i."unique" = 1 AND i.partial = 0 ORDER BY i.seq, c.seqno`,
    )
    const unique = new Map<string, string[]>()
    for (const { k, part } of parts) unique.set(String(k), [...(unique.get(String(k)) ?? []), String(part ?? '')])
    const primary = columns.filter(({ pk }) => Number(pk) > 0).sort((a, b) => Number(a.pk) - Number(b.pk))
    if (primary.length > 0)
      unique.set(
        '',
        primary.map(({ name }) => String(name)),
      )
    return {
      place: `main.${quoteIdentifier(String(found.name))}`,
      columns: columns.map(({ name, type }) => column(String(name), String(type))),
      unique: [...unique.values()],
      obstacle: found.type === 'view' ? 'it is no ordinary table' : null,
    }
  },
  home: "'main'",
  key: 'TEXT',
  text: 'TEXT',
}
