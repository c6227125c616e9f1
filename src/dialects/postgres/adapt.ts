import type { Notice } from '../../model/migration.ts'
import { type AdaptContext, type AdaptOptions, addNotice, type ExtensionRequest } from './adapt-context.ts'
import { adaptIfExists } from './adapt-exists.ts'
import { adaptExtensions } from './adapt-extensions.ts'
import { blankDropExtension, judgeLimits } from './adapt-limits.ts'
import { adaptLookups } from './adapt-lookups.ts'
import { adaptNames } from './adapt-names.ts'
import { adaptSearchPaths } from './adapt-search-path.ts'
import { adaptStrings, worthReading } from './adapt-strings.ts'
import { sortEdits, verifyAdaptation } from './adapt-verify.ts'
import type { Edit } from './edits.ts'
import { openFile } from './file-region.ts'
import type { OwnObjects } from './own-objects.ts'
import type { ParsedSql } from './parse.ts'
import type { Region } from './sql-regions.ts'

export { verifyAdaptation } from './adapt-verify.ts'
export { collectOwnObjects, type OwnObjects } from './own-objects.ts'

/** What must be done to a file so that it runs in a schema of its own. */
export interface Adaptation {
  /** Sorted, and none overlaps another. */
  edits: Edit[]
  notices: Notice[]
  /** Not empty: it must not run for more than one schema of a database, or not at all. */
  problems: Notice[]
  /** To be installed once per database, before the first tenant. */
  extensions: ExtensionRequest[]
  /** Tags (`$$`, `$body$`) of the dollar quotes that edits stand in: see {@link breaksDollarQuotes}. */
  dollarTags: readonly string[]
}

/**
 * Would this schema's name end one of the dollar quotes that it is written into? Such a name must be refused for
 * the file: nothing can be escaped inside of dollar quotes. (A slot is always written with quotes around the name,
 * so that no tag can come about at its edges.)
 */
export function breaksDollarQuotes(dollarTags: readonly string[], schema: string): boolean {
  return dollarTags.some((tag) => schema.includes(tag))
}

/**
 * Works out how a file that was written for the schema `public`, or without schemas, becomes one for a tenant's
 * schema. It runs with the tenant's schema first on the search path and the shared one second.
 * The edits are verified: where they cannot be proven to change schema names only, that is a problem.
 */
export function adaptFile(sql: ParsedSql, own: OwnObjects, options: AdaptOptions): Adaptation {
  const context: AdaptContext = {
    sql,
    own,
    options,
    edits: [],
    notices: [],
    problems: [],
    extensions: [],
    dollarTags: new Set(),
    ownSearchPath: false,
    readsOwnCatalog: false,
    descend: (region) => adaptRegion(context, region),
  }
  for (const statement of sql.statements) judgeLimits(context, statement)
  if (worthReading.test(sql.text)) adaptText(context)
  const edits = sortEdits(context.edits)
  const doubt = verifyAdaptation(sql, edits)
  if (doubt !== null) {
    const message = `the file could not be adapted to a tenant's schema with certainty: ${doubt}`
    addNotice(context, 'problems', 0, 'adaptation-unsure', message, 'write names without a schema')
  }
  const { notices, problems, extensions, dollarTags } = context
  return { edits, notices, problems, extensions, dollarTags: [...dollarTags] }
}

function adaptText(context: AdaptContext): void {
  const { sql } = context
  const file = openFile(sql)
  adaptRegion(context, file)
  for (const statement of sql.statements) blankDropExtension(context, file, statement)
}

function adaptRegion(context: AdaptContext, region: Region): void {
  adaptNames(context, region)
  if (region.kind !== 'name') {
    adaptSearchPaths(context, region)
    if (!context.ownSearchPath) adaptIfExists(context, region)
    adaptExtensions(context, region)
    adaptLookups(context, region)
  }
  adaptStrings(context, region)
}
