/** A project whose tenants are made by it: a registry in a database of its own, keys, migrations. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { loadConfig } from '../../src/config/load.ts'
import { mysql } from '../../src/dialects/mysql/index.ts'
import { postgres } from '../../src/dialects/postgres/index.ts'
import { sqlite } from '../../src/dialects/sqlite/index.ts'
import type { TenantryEvent } from '../../src/model/events.ts'
import type { ProvisionOptions, ProvisionReport } from '../../src/model/provision.ts'
import type { Tenantry } from '../../src/model/report.ts'
import { openRegistry, type Registry } from '../../src/registry/registry.ts'
import { makeProject, type Project } from './project.ts'

export const key = randomBytes(32).toString('hex')

export interface ProvisionProject extends Project {
  env: Record<string, string>
  registry: Registry
  provision(options: ProvisionOptions, emit?: (event: TenantryEvent) => void): Promise<ProvisionReport>
  open<T>(work: (tenantry: Tenantry) => Promise<T>, emit?: (event: TenantryEvent) => void): Promise<T>
  /** The stored password of a tenant's role, opened. */
  credential(slug: string): Promise<{ user: string; password: string }>
}

/** @param config the rest of `tenantry.config.mjs`, as text of an object's members */
export async function makeProvisionProject(
  servers: Record<string, unknown>,
  registryUrl: string,
  config: string,
  migrations: Readonly<Record<string, string>>,
): Promise<ProvisionProject> {
  const project = makeProject()
  project.write({
    'tenantry.config.mjs': `export default {
  servers: ${JSON.stringify(servers)},
  migrations: { dir: './migrations' },
  tenants: { from: 'registry' },
  registry: { url: ${JSON.stringify(registryUrl)} },
  ${config}
}`,
  })
  project.write(migrations)
  const env = { MASTER_ENCRYPTION_KEY: key, PATH: process.env.PATH ?? '' }
  const resolved = await loadConfig({
    cwd: project.dir,
    env,
    file: undefined,
    environment: undefined,
    overrides: undefined,
  })
  if (resolved.registry === null) throw new Error('The config has no registry.')
  const dialects = { postgres, mysql, sqlite }
  const registry = openRegistry(resolved.registry, ({ dialect }) => dialects[dialect], {
    connectTimeoutMs: 10_000,
    servers: resolved.servers,
  })
  await registry.migrate()
  const open: ProvisionProject['open'] = (work, emit) =>
    project.use(work, { env, ...(emit === undefined ? {} : { emit }) })
  return {
    ...project,
    env,
    registry,
    open,
    provision: (options, emit) => open((tenantry) => tenantry.provision(options), emit),
    up: () => open((tenantry) => tenantry.up()),
    async credential(slug) {
      const { openSealed } = await import('../../src/registry/seal.ts')
      const { readKeysOf } = await import('../../src/registry/key-ring.ts')
      const tenant = await registry.tenants.find(slug)
      if (tenant === null) throw new Error(`There is no tenant ${slug}.`)
      const stored = (await registry.tenants.readCredentials([tenant.id])).get(tenant.id)
      const ring = await readKeysOf(resolved.keys, { env, root: project.dir }).ring()
      const opened = openSealed(ring, tenant.id, stored?.sealed ?? '')
      if (!('reveal' in opened)) throw new Error(`It does not open: ${opened.fault}`)
      return { user: stored?.user ?? '', password: opened.reveal() }
    },
    remove() {
      void registry.close()
      project.remove()
    },
  }
}

export interface ChildTask {
  call: 'provision' | 'up'
  options?: object
  /** The event at which it stops or kills itself. */
  at?: { type: TenantryEvent['type']; where?: Record<string, unknown>; times?: number }
  signal?: 'SIGKILL' | 'SIGSTOP'
  /** Default: the project's. */
  cwd?: string
}

export interface Child {
  pid: number
  /** Resolves when it has paused itself, or ended before. */
  paused: Promise<'paused' | 'ended'>
  goOn(): void
  ended: Promise<{ signal: NodeJS.Signals | null; report?: ProvisionReport; error?: { code: string; message: string } }>
}

const childFile = fileURLToPath(new URL('./provision-child.mjs', import.meta.url))
const entry = new URL('../../dist/index.js', import.meta.url).href

/** Calls the built library in a process of its own. */
export function startChild(project: ProvisionProject, task: ChildTask): Child {
  const text = JSON.stringify({ cwd: project.dir, ...task })
  const child = spawn(process.execPath, [childFile, entry, text], {
    env: project.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let said = ''
  let tellPaused: (how: 'paused' | 'ended') => void = () => {}
  const paused = new Promise<'paused' | 'ended'>((resolve) => {
    tellPaused = resolve
  })
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    out += chunk
    if (out.includes('paused\n')) tellPaused('paused')
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk
  })
  const ended = new Promise<Awaited<Child['ended']>>((resolve) => {
    child.on('close', (_code, signal) => {
      tellPaused('ended')
      const last = out.trim().split('\n').at(-1) ?? ''
      if (last.startsWith('{')) resolve({ signal, ...JSON.parse(last) })
      else resolve({ signal, ...(signal === null ? { error: { code: 'NONE', message: said } } : {}) })
    })
  })
  return { pid: child.pid ?? 0, paused, goOn: () => void child.kill('SIGCONT'), ended }
}
