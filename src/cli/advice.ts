/**
 * The commands that a result advises, with the flags that say which fleet: a hint that leaves `--env staging` out would
 * send its reader to another one. Only what tells somebody what to type is touched: hints, and commands that could follow.
 */
export function adviseWith<T>(value: T, shell: string): T {
  return shell === 'tenantry' ? value : (rewrite(value, '', shell) as T)
}

const advising: ReadonlySet<string> = new Set(['hint', 'command', 'why'])

function rewrite(value: unknown, key: string, shell: string): unknown {
  if (typeof value === 'string') {
    return advising.has(key) ? value.replace(/(^|`)tenantry (?=[a-z])/g, (_, before) => `${before}${shell} `) : value
  }
  if (Array.isArray(value)) return value.map((item) => rewrite(item, key, shell))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, rewrite(item, name, shell)]))
}
