import type { FlywaySettings } from './settings.ts'

/** What a file is by its name. */
export type FlywayName =
  | { kind: 'versioned' | 'undo' | 'baseline'; version: string; description: string; code: boolean }
  | { kind: 'repeatable'; description: string; code: boolean }
  | { kind: 'callback'; event: string }
  | { kind: 'odd'; why: string }

/** Events of Flyway, old and new. Source: `Event`. */
const event =
  /^(before|after)(Clean|Migrate|EachMigrate|EachMigrateStatement|Repeatables|Versioned|Undo|EachUndo|EachUndoStatement|Validate|Baseline|Repair|Info|Connect|CreateSchema|\w+OperationFinish|MigrateApplied)(Error|Applied)?$|^createSchema$/

/** What only Java can run. */
const codeEnding = /\.(java|class|kt|groovy|scala)$/

/**
 * Takes a file's name apart as Flyway does; null: it has another ending, so that Flyway does not look at it. Source:
 * `ResourceNameParser`: the longest prefix that fits is the one.
 */
export function readName(fileName: string, settings: FlywaySettings): FlywayName | null {
  const code = codeEnding.test(fileName)
  const suffix = settings.suffixes.find((one) => fileName.toLowerCase().endsWith(one.toLowerCase()))
  if (suffix === undefined && !code) return null
  const stem = code ? fileName.replace(codeEnding, '') : fileName.slice(0, fileName.length - (suffix ?? '').length)
  // Java has its own words for them, whatever the config says.
  const own = code ? { ...settings, prefix: 'V', repeatablePrefix: 'R', undoPrefix: 'U', separator: '__' } : settings
  const named = stem.split(own.separator)[0] ?? stem
  if (event.test(named)) return { kind: 'callback', event: named }
  const prefixes = [
    ['versioned', own.prefix],
    ['repeatable', own.repeatablePrefix],
    ['undo', own.undoPrefix],
    ['baseline', own.baselinePrefix],
  ] as const
  const [found] = prefixes.filter(([, one]) => stem.startsWith(one)).sort((a, b) => b[1].length - a[1].length)
  if (found === undefined) return code ? null : { kind: 'odd', why: `it begins with none of its prefixes` }
  const [kind, prefix] = found
  const rest = stem.slice(prefix.length)
  const at = rest.indexOf(own.separator)
  const [left, right] = at < 0 ? [rest, ''] : [rest.slice(0, at), rest.slice(at + own.separator.length)]
  const description = right.replaceAll('_', ' ')
  if (kind === 'repeatable') {
    if (left === '' && at === 0) return { kind, description, code }
    return code ? null : { kind: 'odd', why: `a repeatable migration is named ${prefix}${own.separator}name` }
  }
  if (!/^\d+([._]\d+)*$/.test(left)) {
    return code ? null : { kind: 'odd', why: `a version has digits, with dots or underscores between them` }
  }
  return { kind, version: left.replaceAll('_', '.'), description, code }
}
