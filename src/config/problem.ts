import { distance } from 'fastest-levenshtein'
import { TenantryError } from '../model/errors.ts'
import type { Notice } from '../model/migration.ts'

/** One thing that is wrong with a config. Never holds a URL or a credential. */
export interface Problem {
  /** `servers.main.url`, `tenants[2].schema`. */
  path: string
  message: string
}

/** What reading a config has brought up so far. */
export interface Findings {
  problems: Problem[]
  notices: Notice[]
}

/** The place of a value, as it would be written in the config's own language. */
export function formatPath(path: readonly (string | number)[]): string {
  return path
    .map((key, index) => {
      if (typeof key === 'number') return `[${key}]`
      if (!/^[A-Za-z_$][\w$]*$/.test(key)) return `[${JSON.stringify(key)}]`
      return index === 0 ? key : `.${key}`
    })
    .join('')
}

/** The candidate that a misspelt name most likely means; null if none is near. */
export function findNearest(name: string, candidates: Iterable<string>): string | null {
  let best: string | null = null
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1
  for (const candidate of candidates) {
    const candidateDistance = distance(name.toLowerCase(), candidate.toLowerCase())
    if (candidateDistance < bestDistance && candidateDistance < candidate.length) {
      best = candidate
      bestDistance = candidateDistance
    }
  }
  return best
}

/** "; did you mean `url`?", or nothing. */
export function suggest(name: string, candidates: Iterable<string>): string {
  const nearest = findNearest(name, candidates)
  return nearest === null ? '' : `; did you mean \`${nearest}\`?`
}

/** A name in quotes, unless somebody put a URL where a name belongs. */
export function showName(name: string): string {
  return name.includes('://') || name.length > 100 ? 'the one given' : JSON.stringify(name)
}

/**
 * One error for all problems, in the order they were found; the same place and message once.
 * `subject` is the file's name for people, or what stands in for it.
 */
export function makeConfigError(problems: readonly Problem[], subject: string, file: string | null): TenantryError {
  const byLine = new Map(problems.map((problem) => [describeProblem(problem), problem]))
  const lines = [...byLine.keys()]
  const title = lines.length === 1 ? `${subject} has a problem:` : `${subject} has ${lines.length} problems:`
  return new TenantryError('CONFIG_INVALID', [title, ...lines.map((line) => `  ${line}`)].join('\n'), {
    hint: 'Nothing was connected to. Correct what is listed and run the command again.',
    context: {
      ...(file === null ? {} : { file }),
      problems: [...byLine.values()].map(({ path, message }) => ({ path, message })),
    },
  })
}

function describeProblem({ path, message }: Problem): string {
  return path === '' ? message : `${path}: ${message}`
}
