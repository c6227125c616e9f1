/**
 * Runs all tests; arguments go to vitest. Without arguments, those that depend on the server's version run again on
 * older ones. The last line says how many passed and failed, and the exit code is 0 only if tests ran and none failed,
 * whatever happened to vitest itself.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { installPackages } from './lib/install.mjs'
import { versionsDir } from './lib/postgres-binaries.mjs'

/** What the server's version decides: what is in the catalogs, what may be in a transaction, how things are locked. */
const versionTests = [
  'test/conformance/dialects.test.ts',
  'test/stories/adapt.test.ts',
  'test/stories/history.test.ts',
  'test/stories/probe.test.ts',
  'test/stories/scripts.test.ts',
  'test/stories/topologies.test.ts',
]
const olderVersions = ['14', '16']

const root = fileURLToPath(new URL('..', import.meta.url))
const dir = mkdtempSync(path.join(tmpdir(), 'tenantry-test-'))
const countsFile = path.join(dir, 'counts.json')
const vitest = path.join(root, 'node_modules', 'vitest', 'vitest.mjs')
const reporter = path.join(root, 'scripts', 'lib', 'count-reporter.mjs')

/** @type {import('node:child_process').ChildProcess | undefined} */
let child
let interrupted = false
// Vitest then ends its servers, and the last line is still ours to print. Ctrl-C reaches it from the terminal, too.
process.on('SIGINT', () => {
  interrupted = true
})
process.on('SIGTERM', () => {
  interrupted = true
  child?.kill('SIGTERM')
})

const isCi = !['', '0', 'false', undefined].includes(process.env.CI)
/** @type {string[]} */
const failures = []
/** @type {string[]} */
const laterTries = []
const total = { passed: 0, failed: 0, skipped: 0 }
const given = process.argv.slice(2)
const newer = installed('the alpha of Sequelize 7', 'test/sequelize7')
const linters = installed('the manifests of deploy/', 'test/manifests')
const dbmate = installed('parity with dbmate', 'test/dbmate')
const drizzle1 = installed('the release candidate of Drizzle 1', 'test/drizzle1')
const sqld = installed('the server of libSQL', 'test/sqld', { ignoreScripts: true })
await runTests(given, {
  ...(newer === null ? {} : { TENANTRY_TEST_SEQUELIZE7: newer }),
  ...(linters === null ? {} : { TENANTRY_TEST_MANIFESTS: linters }),
  ...(dbmate === null ? {} : { TENANTRY_TEST_DBMATE: dbmate }),
  ...(drizzle1 === null ? {} : { TENANTRY_TEST_DRIZZLE1: drizzle1 }),
  ...(sqld === null ? {} : { TENANTRY_TEST_SQLD: sqld }),
})
for (const version of given.length === 0 ? olderVersions : []) {
  if (interrupted || !canTest(version)) continue
  console.log(`\nThe same with PostgreSQL ${version}:`)
  await runTests(['--project', 'servers', ...versionTests], { TENANTRY_TEST_POSTGRES: version })
}
rmSync(dir, { recursive: true, force: true })
// Once more where somebody who reads the end of a long log finds them.
for (const name of laterTries) console.log(`\nPassed only at a later try: ${name}`)
for (const failure of failures) console.log(`\nFAILED ${failure}`)
if (failures.length > 0) console.log()
process.exitCode = total.failed === 0 ? 0 : 1
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`)

/**
 * @param {readonly string[]} args
 * @param {Record<string, string>} variables
 */
async function runTests(args, variables) {
  rmSync(countsFile, { force: true })
  const all = [vitest, 'run', '--reporter=default', `--reporter=${reporter}`, ...args]
  const env = { ...process.env, TENANTRY_TEST_COUNTS: countsFile, ...variables }
  child = spawn(process.execPath, all, { cwd: root, stdio: 'inherit', env })
  const [code, signal] = await once(child, 'exit')
  const { passed, failed, skipped, again, failures: found } = readCounts()
  failures.push(...found)
  laterTries.push(...again)
  const hasRun = passed + failed > 0
  if (!hasRun) failures.push('No test ran.')
  if (code !== 0 && failed === 0) failures.push(`vitest ended with ${signal ?? `exit code ${code}`}.`)
  total.passed += passed
  total.failed += hasRun && code === 0 ? failed : Math.max(1, failed)
  total.skipped += skipped
}

/**
 * The servers of older versions come as packages for one platform.
 * @param {string} version
 */
function canTest(version) {
  if (process.platform === 'linux' && process.arch === 'x64')
    return installed('older PostgreSQL servers', versionsDir) !== null
  console.log(`Not tested with PostgreSQL ${version}: there are no packages for ${process.platform} ${process.arch}.`)
  total.skipped++
  return false
}

/**
 * Packages that only some tests need, in a folder of their own. Where they cannot be had, that counts as skipped; in CI
 * it is a failure.
 * @param {string} what
 * @param {string} folder
 * @param {{ ignoreScripts?: boolean }} [options] of the installation
 * @returns {string | null} the folder; null: they are not there
 */
function installed(what, folder, options = {}) {
  const dir = path.resolve(root, folder)
  try {
    mkdirSync(path.join(dir, '.cache'), { recursive: true })
    installPackages(dir, { ...options, onStart: () => console.error(`Installing ${what} (npm ci)…`) })
    return dir
  } catch (error) {
    console.log(`Not tested: ${what}: ${error instanceof Error ? error.message : error}`)
    if (isCi) {
      total.failed++
      failures.push(`${what}: ${error instanceof Error ? error.message : error}`)
    } else total.skipped++
    return null
  }
}

/** @returns {import('./lib/count-reporter.mjs').TestCounts} all 0 if vitest did not come to an end */
function readCounts() {
  try {
    return JSON.parse(readFileSync(countsFile, 'utf8'))
  } catch {
    return { passed: 0, failed: 0, skipped: 0, again: [], failures: [] }
  }
}
