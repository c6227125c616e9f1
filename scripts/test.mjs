/**
 * Runs all tests; arguments go to vitest. The last line says how many passed and failed, and the exit code is 0 only if
 * tests ran and none failed, whatever happened to vitest itself.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const dir = mkdtempSync(path.join(tmpdir(), 'tenantry-test-'))
const countsFile = path.join(dir, 'counts.json')

const vitest = path.join(root, 'node_modules', 'vitest', 'vitest.mjs')
const reporter = path.join(root, 'scripts', 'lib', 'count-reporter.mjs')
const args = [vitest, 'run', '--reporter=default', `--reporter=${reporter}`, ...process.argv.slice(2)]
const env = { ...process.env, TENANTRY_TEST_COUNTS: countsFile }
const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit', env })
// Vitest then ends its servers, and the last line is still ours to print. Ctrl-C reaches it from the terminal, too.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => child.kill('SIGTERM'))

const [code, signal] = await once(child, 'exit')
const { passed, failed, skipped, again } = readCounts()
rmSync(dir, { recursive: true, force: true })

for (const name of again) console.log(`Passed only at the second try: ${name}`)
const hasRun = passed + failed > 0
if (!hasRun) console.log('No test ran.')
if (code !== 0 && failed === 0) console.log(`vitest ended with ${signal ?? `exit code ${code}`}.`)
const failures = hasRun && code === 0 ? failed : Math.max(1, failed)
process.exitCode = failures === 0 ? 0 : 1
console.log(`${passed} passed, ${failures} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)

/** @returns {import('./lib/count-reporter.mjs').TestCounts} all 0 if vitest did not come to an end */
function readCounts() {
  try {
    return JSON.parse(readFileSync(countsFile, 'utf8'))
  } catch {
    return { passed: 0, failed: 0, skipped: 0, again: [] }
  }
}
