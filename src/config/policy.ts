import type { Policy, WaveRule } from '../model/rollout.ts'
import type { Findings } from './problem.ts'
import { isRecord } from './record.ts'

/**
 * Reads `2` or `'5%'`. null: it is neither.
 * A whole number from 0, or a percentage from 0 to 100; `--max-failures` takes the same.
 */
export function parseMaxFailures(value: unknown): { count: number } | { percent: number } | null {
  if (typeof value === 'number') return Number.isInteger(value) && value >= 0 ? { count: value } : null
  if (typeof value !== 'string') return null
  const match = /^\s*(\d+(?:\.\d+)?)\s*(%?)\s*$/.exec(value)
  if (match?.[1] === undefined) return null
  const number = Number(match[1])
  if (match[2] === '%') return number <= 100 ? { percent: number } : null
  return Number.isInteger(number) ? { count: number } : null
}

/** Reads `rollout`. Types are checked elsewhere; this adds what they can't say. */
export function readPolicy(rollout: unknown, findings: Findings): Policy {
  const given = isRecord(rollout) ? rollout : {}
  const waves = Array.isArray(given.waves) ? readWaves(given.waves, findings) : []
  const maxFailures = given.maxFailures === undefined ? null : parseMaxFailures(given.maxFailures)
  if (given.maxFailures !== undefined && maxFailures === null) {
    findings.problems.push({
      path: 'rollout.maxFailures',
      message: "must be a whole number from 0 (`2`) or a percentage from 0% to 100% (`'5%'`)",
    })
  }
  if (waves.length === 0) return { waves: [{ name: 'all' }], maxFailures }
  return { waves, maxFailures, ...(waves.length > 1 && maxFailures === null ? { stopAfterFailedWave: true } : {}) }
}

function readWaves(given: readonly unknown[], findings: Findings): WaveRule[] {
  const problem = (path: string, message: string) => findings.problems.push({ path, message })
  const waves: WaveRule[] = []
  const names = new Set<string>()
  let percentSum = 0
  for (const [index, value] of given.entries()) {
    const path = `rollout.waves[${index}]`
    const isLast = index === given.length - 1
    if (!isRecord(value)) continue
    const { name, count, percent } = value
    if (typeof name === 'string') {
      if (names.has(name)) problem(`${path}.name`, `another wave is named ${JSON.stringify(name)}`)
      names.add(name)
    }
    if (count !== undefined && percent !== undefined) problem(path, 'has both `count` and `percent`; give one')
    if (typeof percent === 'number') {
      if (!(percent > 0 && percent <= 100)) problem(`${path}.percent`, 'must be above 0 and at most 100')
      else if (percent < 100) percentSum += percent
      else if (!isLast) problem(`${path}.percent`, 'takes every target, so that the waves after it have none')
    }
    const takesRest = (count === undefined && percent === undefined) || percent === 100
    if (isLast && !takesRest) {
      problem(
        'rollout.waves',
        "nothing takes the rest of the targets; end the list with a wave like `{ name: 'rest' }`",
      )
    }
    if (!isLast && count === undefined && percent === undefined) {
      problem(
        path,
        'takes the rest, so that the waves after it have none; give it `count` or `percent`, or put it last',
      )
    }
    waves.push({
      name: typeof name === 'string' ? name : `wave ${index + 1}`,
      ...(typeof count === 'number' ? { count } : {}),
      ...(typeof percent === 'number' && percent < 100 ? { percent } : {}),
    })
  }
  if (percentSum > 100) problem('rollout.waves', `the percentages add up to ${percentSum}, which is more than 100`)
  return waves
}
