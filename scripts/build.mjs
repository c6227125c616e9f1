/** Compiles `src` into `dist`; skipped when nothing changed, unless `--force`. */
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { buildDist } from './lib/build.mjs'
import { withLock } from './lib/lock.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
mkdirSync(path.join(root, '.cache'), { recursive: true })
try {
  withLock(
    path.join(root, '.cache', 'setup.lock'),
    (pid) => console.error(`Waiting for another set-up (process ${pid})…`),
    () => buildDist(root, { force: process.argv.includes('--force') }),
  )
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
