import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

/** Runs the built command line in a process of its own, in an empty environment. `stdout: 'closed'`: nobody reads. */
export function runBuilt(
  argv: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string; stdout?: 'read' | 'closed' } = {},
): Promise<Ended> {
  if (!existsSync(main)) throw new Error('dist/cli/main.js is missing: run `npm run build` first.')
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, ...argv], {
      env: { PATH: process.env.PATH, ...options.env },
      cwd: options.cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const ended: Ended = { code: null, stdout: '', stderr: '' }
    if (options.stdout === 'closed') child.stdout.destroy()
    else child.stdout.setEncoding('utf8').on('data', (text: string) => (ended.stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (ended.stderr += text))
    child.on('error', reject)
    child.on('close', (code) => resolve({ ...ended, code }))
  })
}
