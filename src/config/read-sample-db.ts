import { isRecord, textAt, type UnknownRecord } from './record.ts'
import type { SampleDbRules, SampleKeepRule } from './resolved.ts'

/** Labels by which a tenant is known to be no sample, where the config does not say. */
const usualLabels = { env: ['production', 'prod'], environment: ['production', 'prod'] }

interface Surroundings {
  env: Readonly<Record<string, string | undefined>>
  /** What `--env`, TENANTRY_ENV or NODE_ENV asks for. */
  environmentAsked: string | null
}

/** Reads `sampleDb`. Types are checked elsewhere; what is of a wrong one is passed over. */
export function readSampleDb(given: unknown, { env, environmentAsked }: Surroundings): SampleDbRules {
  const rules = isRecord(given) ? given : {}
  return {
    keep: Array.isArray(rules.keep) ? rules.keep.flatMap(readKeep) : null,
    maxRows: typeof rules.maxRows === 'number' ? rules.maxRows : 100_000,
    productionLabels: isRecord(rules.productionLabels) ? readLabels(rules.productionLabels) : usualLabels,
    // An environment that was asked for by name does not unsay what the machine is.
    production: [environmentAsked, env.NODE_ENV].find((name) => isProduction(name)) ?? null,
  }
}

function readKeep(entry: unknown): SampleKeepRule[] {
  const whole = { where: null, limit: null, orderBy: null }
  if (typeof entry === 'string') return [{ table: entry, ...whole }]
  const table = isRecord(entry) ? textAt(entry, 'table') : undefined
  if (!isRecord(entry) || table === undefined) return []
  return [
    {
      table,
      where: textAt(entry, 'where') ?? null,
      limit: typeof entry.limit === 'number' ? entry.limit : null,
      orderBy: textAt(entry, 'orderBy') ?? null,
    },
  ]
}

function readLabels(labels: UnknownRecord): Record<string, readonly string[]> {
  return Object.fromEntries(
    Object.entries(labels).map(([key, value]) => [key, [value].flat().filter((one) => typeof one === 'string')]),
  )
}

function isProduction(name: string | null | undefined): boolean {
  return /^prod(uction)?$/i.test(name?.trim() ?? '')
}
