import { type AdaptContext, addEdit, addNotice } from './adapt-context.ts'
import { quoteIdentifier } from './quote.ts'
import { quoteAt, type Region, readLiteral } from './sql-regions.ts'

/**
 * Extensions are installed once per database, in the shared schema or the one that is written; what stays of
 * `CREATE EXTENSION` is a statement that finds it there.
 */
export function adaptExtensions(context: AdaptContext, region: Region): void {
  const { words } = region
  for (let i = words.indexOf('extension'); i !== -1; i = words.indexOf('extension', i + 1)) {
    if (words[i - 1] === 'create') adaptCreate(context, region, i)
    else if (words[i - 1] === 'drop') noticeDrop(context, region, i)
    else if (words[i - 1] === 'alter' || (words[i - 1] === 'on' && words[i - 2] === 'comment')) {
      addNotice(
        context,
        'notices',
        region.fileOffset(region.tokens[i]?.start ?? 0),
        'shared-extension',
        'an extension belongs to every tenant of the database, and this runs once per tenant',
        "do it once per database, outside the tenants' migrations",
      )
    }
  }
}

function adaptCreate(context: AdaptContext, region: Region, i: number): void {
  const { ids, words, tokens } = region
  const guarded = words[i + 1] === 'if'
  const at = guarded ? i + 4 : i + 1
  const name = ids[at] ?? null
  const keyword = tokens[i]
  const nameToken = tokens[at]
  if (name === null || !keyword || !nameToken) return
  const shared = quoteAt(quoteIdentifier(context.options.sharedSchema), region.quoteDepth)
  if (!guarded) addEdit(context, region, keyword.end, keyword.end, [' IF NOT EXISTS'], 'extension')

  let schema: string | null = null
  let version: string | null = null
  let hasSchema = false
  for (let k = at + 1; tokens[k] && words[k] !== ';'; k++) {
    const argument = tokens[k + 1]
    if (!argument) break
    if (words[k] === 'schema') {
      hasSchema = true
      schema = ids[k + 1] === 'public' ? null : (ids[k + 1] ?? null)
      if (schema === null) addEdit(context, region, argument.start, argument.end, [shared], 'extension')
      k++
    } else if (words[k] === 'version') {
      version = ids[k + 1] ?? readLiteral(argument)?.value ?? null
      k++
    } else if (words[k] === 'from') k++
    else if (words[k] !== 'with' && words[k] !== 'cascade') break
  }
  if (!hasSchema) addEdit(context, region, nameToken.end, nameToken.end, [` SCHEMA ${shared}`], 'extension')
  if (!context.extensions.some((known) => known.name === name)) context.extensions.push({ name, schema, version })
}

function noticeDrop(context: AdaptContext, region: Region, i: number): void {
  const inFile = region.kind === 'file'
  addNotice(
    context,
    'notices',
    region.fileOffset(region.tokens[i - 1]?.start ?? 0),
    'shared-extension',
    `DROP EXTENSION would take it from every tenant of the database; ${inFile ? 'it is left out' : 'it was left as it is, since it stands in a body'}`,
    'drop it once per database, after the last tenant is migrated',
  )
}
