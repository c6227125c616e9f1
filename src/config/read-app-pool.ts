import type { AppPool } from '../model/app.ts'
import type { Findings } from './problem.ts'

/** Reads DB_POOL_MAX and DB_POOL_MIN: how many sessions an application keeps per tenant. Migrations never ask for it. */
export function readAppPool(env: Readonly<Record<string, string | undefined>>, findings: Findings): AppPool {
  const max = readCount('DB_POOL_MAX', 1) ?? 5
  const min = readCount('DB_POOL_MIN', 0) ?? 0
  return { max, min: Math.min(min, max), idleMs: 30_000 }

  /** A number that migrations do not need must not keep them from running: it is told, and passed over. */
  function readCount(name: string, least: number): number | null {
    const text = env[name]?.trim()
    if (text === undefined || text === '') return null
    if (/^\d{1,4}$/.test(text) && Number(text) >= least) return Number(text)
    findings.notices.push({ rule: 'variable', message: `${name} is no whole number from ${least}, and is not used.` })
    return null
  }
}
