import { findNameKinds } from './name-kinds.ts'
import type { ParsedSql } from './parse.ts'
import { openRegion, type Region } from './sql-regions.ts'

const regions = new WeakMap<ParsedSql, Region>()

/** A whole file as a region; the same one as long as the file is the same. Nobody may change it. */
export function openFile(sql: ParsedSql): Region {
  const known = regions.get(sql)
  if (known !== undefined) return known
  const kinds = /public/i.test(sql.text) || /\bu&"/i.test(sql.text) ? findNameKinds(sql.statements) : null
  const fileOffset = (byte: number) => byte
  const region = openRegion(sql.text, { kind: 'file', kinds, quoteDepth: 0, inTemplate: false, fileOffset })
  regions.set(sql, region)
  return region
}
