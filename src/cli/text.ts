import { createColors } from 'picocolors'

export type Colors = ReturnType<typeof createColors>

/** Colors on a terminal that wants them. `FORCE_COLOR` turns them on elsewhere; `--no-color` and `NO_COLOR` win. */
export function chooseColors(isTty: boolean, wanted: boolean, env: NodeJS.ProcessEnv): Colors {
  const refused = !wanted || Boolean(env.NO_COLOR)
  const offered = (isTty && env.TERM !== 'dumb') || Boolean(env.FORCE_COLOR)
  return createColors(!refused && offered)
}

/** `1,000`. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US')
}

/** `1 target`, `1,000 targets`. */
export function plural(count: number, noun: string, many = `${noun}s`): string {
  return `${formatCount(count)} ${count === 1 ? noun : many}`
}

/** `12 ms`, `1.2 s`, `2 min 05 s`, `1 h 02 min`. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 1000) return `${Math.round(durationMs)} ms`
  if (durationMs < 59_950) return `${(durationMs / 1000).toFixed(1)} s`
  const seconds = Math.round(durationMs / 1000)
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${pad(seconds % 60)} s`
  const minutes = Math.round(seconds / 60)
  return `${formatCount(Math.floor(minutes / 60))} h ${pad(minutes % 60)} min`
}

/** `3.1 GB`; a KB is 1,024 bytes. */
export function formatBytes(bytes: number): string {
  let [value, unit] = [bytes, 0]
  while (value >= 999.5 && unit < byteUnits.length - 1) [value, unit] = [value / 1024, unit + 1]
  return `${unit === 0 || value >= 10 ? Math.round(value) : value.toFixed(1)} ${byteUnits[unit]}`
}

const byteUnits = ['bytes', 'KB', 'MB', 'GB', 'TB']

function pad(number: number): string {
  return String(number).padStart(2, '0')
}

/** `a, b, c and 5 more`. */
export function listSome(items: readonly string[], most: number): string {
  // Saying "and 1 more" takes the room that the one would.
  if (items.length <= most + 1) return items.join(', ')
  return `${items.slice(0, most).join(', ')} and ${formatCount(items.length - most)} more`
}

/** A word as a shell takes it. */
export function quoteWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}

/** Passwords in URLs and key=value settings made unreadable, for text that comes from elsewhere. */
export function redact(text: string): string {
  return text
    .replace(/([a-z][a-z0-9+.-]*:\/\/[^\s:/@'"]*):[^\s'"]*@/gi, '$1:[secret]@')
    .replace(/\b((?:\w*password|\w*passwd|PGPASS\w*|DB_PASS)\s*=\s*)(?:'[^']*'|"[^"]*"|[^\s'"&]+)/gi, '$1[secret]')
}

/** A copy in which control characters of every string are visible: names and messages must not steer a terminal. */
export function showControls<T>(value: T): T {
  return replaceStrings(value, (text) =>
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
    text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, (character) =>
      character === '\r' ? '' : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    ),
  ) as T
}

function replaceStrings(value: unknown, replace: (text: string) => string): unknown {
  if (typeof value === 'string') return replace(value)
  if (Array.isArray(value)) return value.map((item) => replaceStrings(item, replace))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replaceStrings(item, replace)]))
}

/** Every line of the text, indented. */
export function indent(text: string, by: string): string[] {
  return text.split('\n').map((line) => `${by}${line}`)
}

/** Rows as aligned columns; the last column is not padded. Numbers are written flush right by `right`. */
export function table(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const widths: number[] = []
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, [...cell].length)
  }
  return rows.map((row) =>
    row
      .map((cell, i) => {
        const space = ' '.repeat((widths[i] ?? 0) - [...cell].length)
        if (right.includes(i)) return space + cell
        return i === row.length - 1 ? cell : cell + space
      })
      .join('  ')
      .trimEnd(),
  )
}
