import { readdir } from 'node:fs/promises'
import { join, resolve, sep } from 'node:path'

/** A pattern of paths, as TypeORM takes them in `migrations` and `entities`. */
export interface Glob {
  /** The folder that all of its matches are in: absolute. */
  base: string
  matches(path: string): boolean
}

/** `*`, `**`, `?`, `[…]`, `{a,b}`, `@(a|b)`, `+(a|b)`, `?(a|b)`; relative patterns count from `from`. */
export function readGlob(pattern: string, from: string): Glob {
  const path = resolve(from, pattern).split(sep).join('/')
  const parts = path.split('/')
  const first = parts.findIndex((part) => /[*?[{]|[@+!]\(/.test(part))
  const fixed = first < 0 ? parts.slice(0, -1) : parts.slice(0, first)
  const test = new RegExp(`^${translate(path)}$`)
  return { base: fixed.join('/') || '/', matches: (candidate) => test.test(candidate.split(sep).join('/')) }
}

/** Files that match, by their paths. What cannot be read is passed over; `node_modules` is not looked into. */
export async function listGlob({ base, matches }: Glob): Promise<string[]> {
  const found: string[] = []
  const look = async (dir: string): Promise<void> => {
    const entries = await readdir(dir, { withFileTypes: true }).catch(() => [])
    for (const entry of entries) {
      const path = join(dir, entry.name)
      if (entry.name.startsWith('.') || entry.name === 'node_modules') continue
      if (entry.isDirectory()) await look(path)
      else if (matches(path)) found.push(path)
    }
  }
  await look(base)
  return found.sort()
}

function translate(pattern: string): string {
  let out = ''
  const closers: string[] = []
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern.charAt(at)
    const next = pattern.charAt(at + 1)
    if ('@+?*!'.includes(char) && next === '(' && char !== '!') {
      closers.push(char === '@' ? ')' : `)${char}`)
      out += '(?:'
      at++
    } else if (char === '*' && next === '*') {
      const isFolder = pattern.charAt(at + 2) === '/'
      out += isFolder ? '(?:.*/)?' : '.*'
      at += isFolder ? 2 : 1
    } else if (char === '*') out += '[^/]*'
    else if (char === '?') out += '[^/]'
    else if (char === '{') {
      closers.push(')')
      out += '(?:'
    } else if ((char === '}' || char === ')') && closers.length > 0) out += closers.pop() ?? ''
    else if ((char === ',' || char === '|') && closers.length > 0) out += '|'
    else if (char === '[' && pattern.indexOf(']', at) > 0) {
      const end = pattern.indexOf(']', at)
      out += pattern.slice(at, end + 1).replace(/^\[!/, '[^')
      at = end
    } else out += char.replaceAll(/[\\^$.|+()[\]{}]/g, '\\$&')
  }
  return out
}
