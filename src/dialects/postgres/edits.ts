import { quoteIdentifier } from './quote.ts'

/** A place in rewritten SQL where the target's schema goes. */
export interface Slot {
  /** `identifier`: quoted as an identifier; `name`: the bare name, as data in a string constant. */
  as: 'identifier' | 'name'
  /** How many single-quoted strings it stands in: each doubles its single quotes. Dollar quotes do not count. */
  quoteDepth: number
  /** It stands in a template of `format()`, where a percent sign is written twice. */
  inTemplate?: true
}

/** Replaces bytes `start`–`end` of a file. Edits of one file never overlap; an insertion has `start === end`. */
export interface Edit {
  start: number
  end: number
  parts: readonly (string | Slot)[]
  /**
   * `schema`: another schema name and nothing else. `scope`: a catalog look-up limited to the tenant's schema.
   * `local`: a session setting made local to the transaction. `blank`: taken out, white space left.
   * `extension`: `CREATE EXTENSION` made repeatable.
   */
  kind: 'schema' | 'scope' | 'local' | 'blank' | 'extension'
}

export function renderSlot(slot: Slot, schema: string): string {
  let text = slot.as === 'identifier' ? quoteIdentifier(schema) : schema
  if (slot.inTemplate) text = text.replaceAll('%', '%%')
  for (let depth = 0; depth < slot.quoteDepth; depth++) text = text.replaceAll("'", "''")
  return text
}

export function renderParts(parts: readonly (string | Slot)[], schema: string): string {
  return parts.map((part) => (typeof part === 'string' ? part : renderSlot(part, schema))).join('')
}
