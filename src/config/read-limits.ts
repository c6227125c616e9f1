import { type Limit, type LimitName, largestLimit, limitNames, limits } from './limits.ts'
import { type Findings, findNearest } from './problem.ts'
import type { UnknownRecord } from './record.ts'

type Env = Readonly<Record<string, string | undefined>>

/** Numbers given by flags or by a program; they beat variables, which beat the config. */
export type ConfigOverrides = { readonly [name in LimitName]?: number | undefined }

/** The numbers of a config: an override, else a variable, else the config, else the default. */
export function readLimits(
  config: UnknownRecord,
  env: Env,
  overrides: ConfigOverrides,
  findings: Findings,
): Record<LimitName, number> {
  const values = Object.fromEntries(
    limitNames.map((name) => [name, readLimit(name, limits[name], config[name], env, overrides[name], findings)]),
  )
  return values as Record<LimitName, number>
}

function readLimit(
  name: LimitName,
  limit: Limit,
  configured: unknown,
  env: Env,
  override: number | undefined,
  findings: Findings,
): number {
  const overrideName = limit.flag ?? `the option ${name}`
  const given: { from: string; value: number }[] = []
  const add = (from: string, value: number) => {
    if (Number.isInteger(value) && value >= limit.min && value <= largestLimit) given.push({ from, value })
    else findings.problems.push({ path: from, message: `must be a whole number from ${limit.min}` })
  }
  if (override !== undefined) add(overrideName, override)
  const variable = env[limit.variable]?.trim()
  if (variable !== undefined && variable !== '')
    add(limit.variable, /^\d+$/.test(variable) ? Number(variable) : Number.NaN)
  if (typeof configured === 'number') given.push({ from: 'the config', value: configured })
  const [winner, ...others] = given
  if (winner === undefined) return limit.default
  const losers = others.filter(({ value }) => value !== winner.value)
  if (losers.length > 0) {
    const rest = losers.map(({ from, value }) => `${value} from ${from}`).join(' and ')
    findings.notices.push({
      rule: 'override',
      message: `${name}: ${winner.value} from ${winner.from} is used, not ${rest}.`,
    })
  }
  return winner.value
}

const otherVariables = ['TENANTRY_CONFIG', 'TENANTRY_ENV', 'TENANTRY_STATE_DIR']

/** A notice for each variable that looks like a misspelt one of ours. */
export function noticeMisspeltVariables(env: Env, findings: Findings): void {
  const known = [...otherVariables, ...limitNames.map((name) => limits[name].variable)]
  for (const name of Object.keys(env)) {
    if (!name.startsWith('TENANTRY_') || known.includes(name)) continue
    const rest = findNearest(
      name.slice(9),
      known.map((variable) => variable.slice(9)),
    )
    if (rest !== null) {
      findings.notices.push({
        rule: 'variable',
        message: `The variable ${name} is not known; did you mean TENANTRY_${rest}?`,
      })
    }
  }
}
