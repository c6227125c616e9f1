import { existsSync } from 'node:fs'
import { describe, test } from 'vitest'
import { findProgram, hasProgram, installHint, type Need } from './programs.ts'

export { findProgram, type Need }

/**
 * `describe` for tests that need a program: `needs('pgbouncer')('through PgBouncer', () => { … })`.
 * A missing one is installed where that can be done (root, on Debian). Where it can't, the tests are skipped under a name
 * that says what to type, and counted; in CI they fail instead.
 */
export function needs(name: Need): (title: string, define: () => void) => void {
  return (title, define) => {
    if (hasProgram(name)) describe(title, define)
    else explain(title, `needs ${name}: ${installHint(name)}`)
  }
}

/** The same for what npm installs in a folder of its own. */
export function needsFile(path: string, hint: string): (title: string, define: () => void) => void {
  return (title, define) => {
    if (existsSync(path)) describe(title, define)
    else explain(title, `needs ${path}: ${hint}`)
  }
}

function explain(title: string, reason: string): void {
  describe(title, () => {
    test.skipIf(!isCi())(reason, () => {
      throw new Error(`${title} ${reason}`)
    })
  })
}

/** Whether this run must not skip anything. */
function isCi(): boolean {
  return !['', '0', 'false', undefined].includes(process.env.CI)
}
