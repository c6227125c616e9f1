import { suggest } from '../../config/problem.ts'
import type { Complain } from './seed-file.ts'

/** What the header lines of a file say. */
export interface SeedHeader {
  /** Lines at the top that belong to no row, for files of rows. */
  lines: number
  always: boolean
  values: ReadonlyMap<string, string>
}

/**
 * Reads lines such as `-- tenantry:seed always set=platform` (in CSV: `# tenantry:seed table=roles mode=owned`) from the
 * comments at the top of a file. Several lines add up.
 *
 * @param mark what comments begin with
 */
export function parseSeedHeader(
  text: string,
  mark: '--' | '#',
  known: readonly string[],
  complain: Complain,
): SeedHeader {
  const values = new Map<string, string>()
  let always = false
  let lines = 0
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim()
    if (line !== '' && !line.startsWith(mark)) break
    if (line !== '') lines = index + 1
    const found = /^(?:--|#)\s*tenantry:seed\b(.*)$/i.exec(line)?.[1]
    if (found === undefined) continue
    for (const word of found.trim().split(/\s+/)) {
      if (word === '') continue
      const [, name = word, value] = /^([\w-]+)=(.*)$/.exec(word) ?? []
      if (value === undefined && name === 'always' && known.includes('always')) always = true
      else if (value === undefined || !known.includes(name))
        complain(`its header has an unknown word \`${name.slice(0, 60)}\`${suggest(name, known)}`, index + 1)
      else if (values.has(name)) complain(`\`${name}\` is in its header twice`, index + 1)
      else if (value === '') complain(`\`${name}\` in its header is empty`, index + 1)
      else values.set(name, value)
    }
  }
  return { lines, always, values }
}
