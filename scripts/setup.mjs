/**
 * Makes a clone ready: packages and `dist`. Says nothing and takes no time when all is there; two at once wait for each
 * other. Runs before anything is installed, so it may import nothing but Node's own modules.
 */
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { buildDist } from './lib/build.mjs'
import { installPackages } from './lib/install.mjs'
import { withLock } from './lib/lock.mjs'
import { findPackagedBinaries } from './lib/postgres-binaries.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

/** @param {string} text */
function say(text) {
  console.error(text)
}

function setUp() {
  if (major < 20 || (major === 20 && minor < 19))
    throw new Error(`Node ${process.versions.node} is too old: 20.19 or newer is needed.`)
  mkdirSync(path.join(root, '.cache'), { recursive: true })
  withLock(
    path.join(root, '.cache', 'setup.lock'),
    (pid) => say(`Waiting for another set-up (process ${pid})…`),
    () => {
      installPackages(root, { onStart: () => say('Installing packages (npm ci)…') })
      buildDist(root, { onStart: () => say('Building dist…') })
    },
  )
  try {
    findPackagedBinaries()
  } catch (error) {
    say(`Note: ${error instanceof Error ? error.message : error}`)
  }
}

try {
  setUp()
} catch (error) {
  say(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}
