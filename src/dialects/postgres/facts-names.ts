import type { FactsFile, FactsRequest, StatementFact } from '../../model/statement-facts.ts'
import type { AdaptContext } from './adapt-context.ts'
import { adaptNames } from './adapt-names.ts'
import { openFile } from './file-region.ts'
import type { OwnObjects } from './own-objects.ts'
import type { ParsedSql } from './parse.ts'

/** A name with `public.` in front, by byte offset. */
export interface PublicName {
  offset: number
  fact: Extract<StatementFact, { kind: 'default-schema-name' }>
}

/** Words that the name of a table comes after, with its columns in parentheses. */
const beforeTable = new Set(['into', 'references', 'table', 'on', 'exists', 'only', 'copy', 'view'])

/**
 * Names written with `public.` in the statements of a file (not in strings and bodies), and whether the adaptation to a
 * tenant's schema moves them.
 */
export function findPublicNames(
  sql: ParsedSql,
  own: OwnObjects,
  { migration, file }: FactsFile,
  { sharedSchema }: FactsRequest,
): PublicName[] {
  if (!/\bpublic"?\s*\./i.test(sql.text)) return []
  const region = openFile(sql)
  const context: AdaptContext = {
    sql,
    own,
    options: { migration, file, targetsPerDatabase: 1, sharedSchema },
    edits: [],
    notices: [],
    problems: [],
    extensions: [],
    dollarTags: new Set(),
    ownSearchPath: false,
    readsOwnCatalog: false,
    descend: () => {},
  }
  adaptNames(context, region)
  const moved = new Set(context.edits.filter(({ kind }) => kind === 'schema').map(({ start }) => start))
  const { tokens, ids, words } = region
  return tokens.flatMap((token, i): PublicName[] => {
    const name = tokens[i + 2]
    if (ids[i] !== 'public' || words[i + 1] !== '.' || words[i - 1] === '.' || name === undefined) return []
    const kind = region.kinds?.get(token.start)
    // A table that is called `public` here, and its columns.
    if (kind === 'alias' || !/^["\w]/.test(name.text)) return []
    const isTable = kind === 'relation' || (kind === undefined && beforeTable.has(words[i - 1] ?? ''))
    const moves = moved.has(token.start)
    return [{ offset: token.start, fact: { kind: 'default-schema-name', name: `public.${name.text}`, moves, isTable } }]
  })
}
