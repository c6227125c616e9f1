import type { FactsFile, FactsRequest, StatementFact } from '../../model/statement-facts.ts'
import { guessEdits } from './adapt.ts'
import type { OwnObjects } from './own-objects.ts'
import { type ParsedSql, scanSql } from './parse.ts'

/** A name with `public.` in front, by byte offset. */
export interface PublicName {
  offset: number
  fact: Extract<StatementFact, { kind: 'default-schema-name' }>
}

/** Words that the name of a table comes after, with its columns in parentheses. */
const beforeTable = new Set(['INTO', 'REFERENCES', 'TABLE', 'ON', 'EXISTS', 'ONLY', 'COPY', 'VIEW'])

const unquote = (text: string) => (text.startsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text.toLowerCase())

/** Names written with `public.`, and whether the adaptation to a tenant's schema moves them. */
export function findPublicNames(
  sql: ParsedSql,
  own: OwnObjects,
  { migration, file }: FactsFile,
  { sharedSchema }: FactsRequest,
): PublicName[] {
  if (!/\bpublic"?\s*\./i.test(sql.text)) return []
  const edits = guessEdits(sql, own, { file, migration, targetsPerDatabase: 1, sharedSchema })
  const moved = new Set(edits.filter(({ kind }) => kind === 'schema').map(({ start }) => start))
  const tokens = scanSql(sql.text)
  return tokens.flatMap((token, i): PublicName[] => {
    const [dot, next, after] = [tokens[i + 1], tokens[i + 2], tokens[i + 3]]
    const before = tokens[i - 1]?.text.toUpperCase() ?? ''
    if (unquote(token.text) !== 'public' || dot?.text !== '.' || next === undefined) return []
    const name = `public.${next.text}`
    return [
      {
        offset: token.start,
        fact: {
          kind: 'default-schema-name',
          name,
          moves: moved.has(token.start),
          isCall: after?.text === '(' && !beforeTable.has(before),
        },
      },
    ]
  })
}
