import { suggest } from '../config/problem.ts'

/** What the header lines of an SQL file say. */
export interface DataChangeHeader {
  /** 0: the file has no such line. */
  line: number
  values: ReadonlyMap<string, string>
  problems: readonly string[]
}

const known = ['table', 'key', 'chunk-ms', 'after', 'count', 'remaining', 'set', 'scope']
const opening = /^--\s*tenantry:data-change\b/i

/**
 * Reads lines such as `-- tenantry:data-change table=orders key=id count="select count(*) from orders"` from the
 * comments at the top of a file. Several lines add up.
 */
export function parseHeader(text: string): DataChangeHeader {
  const values = new Map<string, string>()
  const problems: string[] = []
  let first = 0
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim()
    if (line !== '' && !line.startsWith('--')) break
    const found = opening.exec(line)
    if (found === null) continue
    if (first === 0) first = index + 1
    let rest = line.slice(found[0].length).trim()
    while (rest !== '') {
      const pair = /^([\w-]+)\s*=\s*(?:"((?:[^"]|"")*)"|'((?:[^']|'')*)'|(\S+))\s*/.exec(rest)
      if (pair === null) {
        problems.push(`line ${index + 1} holds ${JSON.stringify(rest.slice(0, 40))}, which is not key=value`)
        break
      }
      const [all, key = '', double, single, plain] = pair
      const value = double?.replaceAll('""', '"') ?? single?.replaceAll("''", "'") ?? plain ?? ''
      if (!known.includes(key)) problems.push(`line ${index + 1} has an unknown key \`${key}\`${suggest(key, known)}`)
      else if (values.has(key)) problems.push(`\`${key}\` is there twice`)
      else values.set(key, value)
      rest = rest.slice(all.length)
    }
  }
  return { line: first, values, problems }
}
