import type { FormatOptions } from '../../model/format.ts'
import type { FlywaySettings } from './settings.ts'

/** A text with its placeholders filled in. */
export interface Filled {
  text: string
  /** It holds something that another target, or another day, would fill in otherwise. */
  depends: boolean
  /** What has no value: the placeholder as written, where, and why. */
  missing: readonly { name: string; line: number; why: string; hint: string }[]
}

/**
 * Fills in `${name}`, anywhere in the text, as Flyway does (`PlaceholderReplacingReader`): names in any letter case, what
 * is filled in is not looked at again. `${flyway:defaultSchema}` is what the files of a schema fleet are written for.
 */
export function fillPlaceholders(
  text: string,
  fileName: string,
  settings: FlywaySettings,
  options: FormatOptions,
  now: Date,
): Filled {
  const { placeholderPrefix: prefix, placeholderSuffix: suffix, placeholderSeparator: separator } = settings
  const missing: Filled['missing'][number][] = []
  let filled = ''
  let depends = false
  let rest = 0
  for (let at = text.indexOf(prefix); at >= 0; at = text.indexOf(prefix, rest)) {
    const end = text.indexOf(suffix, at + prefix.length)
    if (end < 0) break
    const name = text.slice(at + prefix.length, end)
    filled += text.slice(rest, at)
    rest = end + suffix.length
    const key = name.toLowerCase()
    const builtIn = key.startsWith(`flyway${separator}`) ? key.slice(`flyway${separator}`.length) : null
    const given = settings.placeholders[key]
    const found =
      given !== undefined
        ? { value: given }
        : builtIn === null
          ? null
          : fillBuiltIn(builtIn, fileName, settings, options, now)
    if (found !== null && 'value' in found) {
      filled += found.value
      if (found.depends === true) depends = true
      continue
    }
    const written = text.slice(at, rest)
    filled += written
    missing.push({
      name: written,
      line: text.slice(0, at).split('\n').length,
      why: found?.why ?? 'no value is given for it',
      hint: `Give it a value: in the config's key \`placeholders\` ('${written}': '…')${settings.shown === null ? ' or in a flyway.conf' : `, or in ${settings.shown}`}.`,
    })
  }
  return { text: filled + text.slice(rest), depends, missing }
}

function fillBuiltIn(
  name: string,
  fileName: string,
  settings: FlywaySettings,
  { dialects = [], root }: FormatOptions,
  now: Date,
): { value: string; depends?: true } | { why: string } | null {
  if (name === 'filename') return { value: fileName }
  if (name === 'table') return { value: settings.table ?? 'flyway_schema_history' }
  if (name === 'timestamp') return { value: formatTime(now), depends: true }
  if (name === 'workingdirectory') return { value: root }
  if (name === 'environment') return { value: 'default' }
  if (name === 'defaultschema') {
    const families = new Set(dialects)
    if (families.size === 1 && families.has('postgres')) return { value: settings.schema ?? 'public', depends: true }
    if (families.size === 1 && families.has('sqlite')) return { value: 'main', depends: true }
    return { why: 'each target has another, and a name without a schema is in its own already' }
  }
  if (name === 'user' || name === 'database') return { why: 'each target may have another' }
  return null
}

/** As `SimpleDateFormat` writes it, in the local time of this machine. */
function formatTime(now: Date): string {
  const two = (value: number) => String(value).padStart(2, '0')
  const day = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`
  return `${day} ${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())}`
}
