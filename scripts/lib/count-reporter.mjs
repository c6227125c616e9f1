import { writeFileSync } from 'node:fs'
import process from 'node:process'

/**
 * What a run of vitest came to.
 * @typedef {{ passed: number, failed: number, skipped: number, again: string[] }} TestCounts
 *   `again`: tests that passed at their second try
 */

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
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0, again: [] }
    for (const module of modules) {
      let failedHere = 0
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'passed') {
          counts.passed++
          if (test.diagnostic()?.flaky === true) counts.again.push(`${module.relativeModuleId} > ${test.fullName}`)
        } else if (state === 'failed') failedHere++
        else counts.skipped++
      }
      counts.failed += module.state() === 'failed' ? Math.max(1, failedHere) : failedHere
    }
    const file = process.env.TENANTRY_TEST_COUNTS
    if (file) writeFileSync(file, JSON.stringify(counts))
  }
}
