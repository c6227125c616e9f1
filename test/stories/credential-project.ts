/** A project whose tenants are in a registry, each with a credential of its own. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { loadConfig } from '../../src/config/load.ts'
import type { NewTenantRecord } from '../../src/model/registry.ts'
import type { Registry } from '../../src/registry/registry.ts'
import { loadDialects, registryOf } from '../../src/wiring.ts'
import type { Project } from './project.ts'

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

export const actor = { name: 'a test' }

/** Opens the registry of the project's config, its tables made. The caller closes it. */
export async function openProjectRegistry(project: Project, env: NodeJS.ProcessEnv = {}): Promise<Registry> {
  const config = await loadConfig({ cwd: project.dir, env })
  await loadDialects(config)
  const registry = registryOf(config, () => {})
  if (registry === null) throw new Error('The config names no registry.')
  await registry.migrate()
  return registry
}

export function newTenant(slug: string, server: string, database: string, id?: string): NewTenantRecord {
  const own = id === undefined ? {} : { id }
  return { ...own, slug, topology: 'database', state: 'active', placement: { server, database } }
}

export interface RunEnded {
  code: number | null
  stdout: string
  stderr: string
  /** Each command line that was seen. */
  processList: Set<string>
}

/** Runs the built command line with something on its standard input, and looks at what the process list shows of it. */
export async function runWith(
  project: Project,
  argv: readonly string[],
  options: { env?: NodeJS.ProcessEnv; input?: string } = {},
): Promise<RunEnded> {
  const child = spawn(process.execPath, [main, ...argv], {
    cwd: project.dir,
    env: { PATH: process.env.PATH, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const ended: RunEnded = { code: null, stdout: '', stderr: '', processList: new Set() }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (ended.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (ended.stderr += text))
  // Those that read nothing may be gone before all is written.
  child.stdin.on('error', () => {})
  child.stdin.end(options.input ?? '')
  const watching = setInterval(() => ended.processList.add(showProcess(child.pid)), 30)
  try {
    ended.code = await new Promise((resolve) => child.once('close', resolve))
  } finally {
    clearInterval(watching)
  }
  return ended
}

function showProcess(pid: number | undefined): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return '' // it has ended, or there is no /proc here
  }
}
