/** What was a migration system of its own is tenantry's command line. */
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import path from 'node:path'

const manifest = createRequire(import.meta.url).resolve('tenantry/package.json')
const cli = path.join(path.dirname(manifest), createRequire(manifest)(manifest).bin.tenantry)

/**
 * Runs one command of it, on this process's terminal. Gives its exit code: 130, it was interrupted.
 *
 * @param {...string} words
 * @returns {Promise<number>}
 */
export function tenantry(...words) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [cli, ...words], { stdio: 'inherit' })
    // A terminal sends Ctrl-C to both: the command finishes what is in flight, and its exit code is ours.
    process.on('SIGINT', () => {})
    process.on('SIGTERM', () => child.kill('SIGTERM'))
    child.on('error', reject)
    child.on('exit', (code) => resolve(code ?? 130))
  })
}
