/** A project folder as a user has it: a config, migrations, and the tool run over them. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FleetReport, Tenantry } from '../../src/model/report.ts'
import type { TargetResult } from '../../src/model/rollout.ts'
import { type OpenOptions, openTenantry } from '../../src/tenantry.ts'
import { type Ended, runBuilt } from '../cli/run-built.ts'

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

export interface Project {
  dir: string
  /** Writes files by their paths in the folder. */
  write(files: Readonly<Record<string, string>>): void
  /** Writes `tenantry.config.json`; migrations are in `migrations/` unless it says otherwise. */
  configure(config: Readonly<Record<string, unknown>>): void
  /** Opens it in this process, does something, and closes it. */
  use<T>(work: (tenantry: Tenantry) => Promise<T>, options?: Partial<OpenOptions>): Promise<T>
  /** `up` in this process. */
  up(): Promise<FleetReport>
  /** Runs the built command line to its end. */
  run(argv: readonly string[], env?: NodeJS.ProcessEnv): Promise<Ended>
  /** Starts the built command line and leaves it running. */
  start(argv: readonly string[]): ChildProcess
  remove(): void
}

export function makeProject(): Project {
  const dir = mkdtempSync(join(tmpdir(), 'tenantry-story-'))
  const write = (files: Readonly<Record<string, string>>) => {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(dir, name)), { recursive: true })
      writeFileSync(join(dir, name), text)
    }
  }
  const use: Project['use'] = async (work, options) => {
    const tenantry = await openTenantry({ cwd: dir, env: {}, ...options })
    try {
      return await work(tenantry)
    } finally {
      await tenantry.close()
    }
  }
  return {
    dir,
    write,
    use,
    configure: (config) =>
      write({ 'tenantry.config.json': JSON.stringify({ migrations: { dir: './migrations' }, ...config }, null, 2) }),
    up: () => use((tenantry) => tenantry.up()),
    run: (argv, env) => runBuilt(argv, { cwd: dir, ...(env === undefined ? {} : { env }) }),
    start: (argv) =>
      spawn(process.execPath, [main, ...argv], { cwd: dir, env: { PATH: process.env.PATH }, stdio: 'ignore' }),
    remove: () => rmSync(dir, { recursive: true, force: true }),
  }
}

/** Schema tenants `t_1`, `t_2`, … of one database. */
export function schemaTenants(count: number, database: string, server = 'main'): Record<string, string>[] {
  return Array.from({ length: count }, (_, i) => ({
    slug: `t${i + 1}`,
    topology: 'schema',
    server,
    database,
    schema: `t_${i + 1}`,
  }))
}

export function createSchemas(count: number): string {
  return Array.from({ length: count }, (_, i) => `CREATE SCHEMA t_${i + 1};`).join('\n')
}

/** The result of one tenant. */
export function resultOf(report: FleetReport, slug: string): TargetResult {
  const found = report.targets.find(({ tenants }) => tenants.includes(slug))
  if (found === undefined) throw new Error(`The report has no tenant ${slug}.`)
  return found
}

/** Result kinds and how often each came; an error's code stands for a failure. */
export function countResults(report: FleetReport): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { result, error } of report.targets) {
    const name = error === null ? result : `${result} ${error.code}`
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}
