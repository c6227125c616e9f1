import { writeFileSync } from 'node:fs'
import process from 'node:process'

/**
 * What a run of vitest came to.
 * @typedef {{ passed: number, failed: number, skipped: number, again: string[], failures: string[] }} TestCounts
 *   `again`: tests that passed at a later try, and why not at the first; `failures`: the name and the error of each failure
 */

/** Lines of an error that are kept: enough for a difference between two values. */
const errorLines = 40

/**
 * A vitest reporter that writes the counts of a run, as JSON, to the file named by TENANTRY_TEST_COUNTS. Besides failed
 * tests it counts a file or a hook that failed before any of its tests could, and errors outside of tests.
 */
export default class CountReporter {
  /**
   * @param {readonly import('vitest/node').TestModule[]} modules
   * @param {readonly unknown[]} unhandledErrors
   */
  onTestRunEnd(modules, unhandledErrors) {
    /** @type {TestCounts} */
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0, again: [], failures: [] }
    for (const error of unhandledErrors) counts.failures.push(`outside of tests: ${describe(error)}`)
    for (const module of modules) {
      let failedHere = 0
      for (const test of module.children.allTests()) {
        const { state, errors } = test.result()
        if (state === 'passed') {
          counts.passed++
          if (test.diagnostic()?.flaky === true)
            counts.again.push(
              `${module.relativeModuleId} > ${test.fullName}\n${(errors ?? []).map(describe).join('\n')}`,
            )
        } else if (state === 'failed') {
          failedHere++
          counts.failures.push(
            `${module.relativeModuleId} > ${test.fullName}\n${(errors ?? []).map(describe).join('\n')}`,
          )
        } else counts.skipped++
      }
      const outside = [module, ...module.children.allSuites()].flatMap((part) => part.errors())
      for (const error of outside) counts.failures.push(`${module.relativeModuleId}: ${describe(error)}`)
      counts.failed += module.state() === 'failed' ? Math.max(1, failedHere) : failedHere
    }
    const file = process.env.TENANTRY_TEST_COUNTS
    if (file) writeFileSync(file, JSON.stringify(counts))
  }
}

/**
 * @param {unknown} error as vitest hands it over: the message, where it was thrown, and what differed
 * @returns {string}
 */
function describe(error) {
  if (typeof error !== 'object' || error === null) return String(error)
  const { message, stack, diff } = /** @type {Record<string, unknown>} */ (error)
  const parts = [typeof stack === 'string' && stack.includes(String(message)) ? stack : message, diff, stack]
  const text = [...new Set(parts.filter((part) => typeof part === 'string'))].join('\n')
  return text
    .split('\n')
    .filter((line) => !/^ +at .*node_modules\/@vitest\//.test(line))
    .slice(0, errorLines)
    .join('\n')
}
