import { identify, showValue } from './read-value.ts'
import type { Complain, RowsBody, SeedRow } from './seed-file.ts'

/** What a file of rows says of itself, as it stands there. */
export interface RowsFrame {
  line: number
  table: string | null
  key: readonly string[]
  mode: string | null
  removed: string | null
}

/** `010_roles.json` is for `roles`. */
export function tableOf(name: string): string {
  const stem = (name.split('/').at(-1) ?? '').replace(/\.[^.]+$/, '')
  return stem.replace(/^\d+[_-]*/, '') || stem
}

/** Checks what does not depend on the kind of file. Everything that is wrong goes to `complain`. */
export function makeRows(frame: RowsFrame, rows: readonly SeedRow[], fileName: string, complain: Complain): RowsBody {
  const { key, mode, removed, line } = frame
  const table = frame.table ?? tableOf(fileName)
  if (key.length === 0) complain('it does not say which columns are the key that a row is known by', line)
  if (mode !== null && mode !== 'initial' && mode !== 'owned') complain('`mode` is `initial` or `owned`', line)
  if (removed !== null && removed !== 'keep' && removed !== 'delete') complain('`removed` is `keep` or `delete`', line)
  if (removed === 'delete' && mode !== 'owned')
    complain('`removed` may be `delete` only where `mode` is `owned`: other rows belong to whoever uses them', line)
  const seen = new Map<string, number>()
  for (const row of rows) {
    let isWhole = key.length > 0
    for (const name of key) {
      const value = row.values.get(name)
      if (value !== undefined && value.kind !== 'null') continue
      isWhole = false
      complain(
        value === undefined
          ? `the row has no \`${name}\`, which is part of the key`
          : `\`${name}\` is part of the key, and is NULL`,
        row.line,
      )
    }
    if (!isWhole) continue
    const id = identifyKey(key, row)
    const other = seen.get(id)
    if (other !== undefined) complain(`the row ${showKey(key, row)} is there twice, first in line ${other}`, row.line)
    else seen.set(id, row.line)
  }
  return {
    kind: 'rows',
    table,
    key,
    mode: mode === 'owned' ? 'owned' : 'initial',
    removed: removed === 'delete' ? 'delete' : 'keep',
    rows,
  }
}

export function identifyKey(key: readonly string[], { values }: SeedRow): string {
  return JSON.stringify(
    [...key].sort().map((name) => {
      const value = values.get(name)
      return [name, value === undefined ? null : identify(value)]
    }),
  )
}

/** `name=Admin, org=roles(name=X)`. */
export function showKey(key: readonly string[], { values }: SeedRow): string {
  return key
    .map((name) => {
      const value = values.get(name)
      return `${name}=${value === undefined ? '' : showValue(value)}`
    })
    .join(', ')
}
