/** Keys are changed while everything goes on, and whatever ends it in the middle. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Secret } from '../../src/model/secret.ts'
import { makeKey } from '../../src/registry/key-ring.ts'
import type { Registry } from '../../src/registry/registry.ts'
import { keyIdOf, openSealed, seal } from '../../src/registry/seal.ts'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { freshMariadb, type MariadbDatabase, withMariadb } from '../servers/shared-mariadb.ts'
import { actor, newTenant, openProjectRegistry, runWith } from './credential-project.ts'
import { makeProject, type Project } from './project.ts'

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

const words = { old: 'o'.repeat(32), new: 'n'.repeat(32), other: 'x'.repeat(32) }
const keyOf = (word: string) => makeKey('current', Buffer.from(word), Buffer.from(word))
const keys = { old: keyOf(words.old), new: keyOf(words.new), other: keyOf(words.other) }
const both = { MASTER_ENCRYPTION_KEY: words.new, MASTER_ENCRYPTION_KEY_PREVIOUS: words.old }
const onlyNew = { MASTER_ENCRYPTION_KEY: words.new }

let project: Project
let registry: Registry

beforeEach(() => {
  project = makeProject()
  project.write({ 'migrations/001_marks.sql': 'CREATE TABLE marks (name text);' })
})
afterEach(async () => {
  await registry?.close()
  project.remove()
})

async function configure(registryConfig: Record<string, unknown>): Promise<void> {
  project.configure({
    servers: { main: { url: 'postgres://127.0.0.1:1/' } },
    registry: registryConfig,
    tenants: { from: 'registry' },
  })
  registry = await openProjectRegistry(project)
}

/** Tenants with a password each, sealed with the old key; gives their ids. */
async function fill(count: number, key = keys.old): Promise<string[]> {
  const tenants = Array.from({ length: count }, (_, i) => newTenant(`t${i}`, 'main', `db_${i}`))
  const added = await registry.tenants.add(tenants, actor)
  await registry.tenants.writeCredentials(
    added.map(({ id, slug }) => ({
      credential: {
        tenantId: id,
        user: 'app',
        sealed: seal(key, id, new Secret(`password of ${slug}`)),
        reference: null,
      },
    })),
    'credential',
    actor,
  )
  return added.map(({ id }) => id)
}

/** How many credentials each key seals; fails where one does not give the password it was made with. */
async function count(ids: readonly string[], ring = { current: keys.new, previous: [keys.old] }) {
  const counts: Record<string, number> = {}
  const stored = await registry.tenants.readCredentials(ids)
  expect(stored.size).toBe(ids.length)
  const slugs = new Map<string, string>()
  for await (const { id, slug } of registry.tenants.list()) slugs.set(id, slug)
  for (const { tenantId, sealed } of stored.values()) {
    const opened = openSealed(ring, tenantId, sealed ?? '')
    expect(opened instanceof Secret && opened.reveal(), tenantId).toBe(`password of ${slugs.get(tenantId)}`)
    const name = keyIdOf(sealed ?? '') === keys.new.id ? 'new' : 'old'
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

function start(argv: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  return spawn(process.execPath, [main, ...argv], {
    cwd: project.dir,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}

function story(configureStore: () => Promise<void>): void {
  beforeEach(configureStore)

  test('killed at random moments, again and again: nothing is lost, and it goes on where it was', {
    timeout: 120_000,
  }, async () => {
    const total = 4000
    const ids = await fill(total)
    let killed = 0
    let midway = 0
    for (let round = 0; round < 12; round++) {
      const child = start(['keys', 'rotate'], both)
      const ended = once(child, 'exit')
      // Wait until it has written something, or is done; then a moment more.
      const before = (await count(ids)).new ?? 0
      for (let i = 0; i < 600 && child.exitCode === null; i++) {
        if (((await countNew()) ?? 0) > before) break
        await sleep(10)
      }
      await sleep(Math.random() * 60)
      if (child.kill('SIGKILL')) killed++
      await ended
      const counts = await count(ids)
      if ((counts.new ?? 0) > 0 && (counts.old ?? 0) > 0) midway++
      if (counts.old === undefined) break
    }
    expect(killed).toBeGreaterThan(0)
    expect(midway).toBeGreaterThan(0)
    const { code, stdout } = await runWith(project, ['keys', 'rotate', '--json'], { env: both })
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, key: keys.new.id, total, dispensable: [keys.old.id] })
    expect(await count(ids, { current: keys.new, previous: [] })).toEqual({ new: total })
    const check = await runWith(project, ['keys', 'check', '--json'], { env: onlyNew })
    expect(JSON.parse(check.stdout)).toMatchObject({ ok: true, missing: [], credentials: { total, unreadable: 0 } })
  })

  async function countNew(): Promise<number> {
    const page = await registry.tenants.pageCredentials(null, 1)
    const [first] = page
    if (keyIdOf(first?.sealed ?? '') !== keys.new.id) return 0
    let sum = 0
    for (let after: string | null = null; ; ) {
      const rows = await registry.tenants.pageCredentials(after, 500)
      const own = rows.filter(({ sealed }) => keyIdOf(sealed ?? '') === keys.new.id).length
      sum += own
      if (own < rows.length || rows.length < 500) return sum
      after = rows.at(-1)?.tenantId ?? null
    }
  }

  test('while two rotate at once, others open every credential at every moment, and some are stored anew', {
    timeout: 120_000,
  }, async () => {
    const ids = await fill(3000)
    const rotations = [start(['keys', 'rotate'], both), start(['keys', 'rotate'], both)]
    const ended = rotations.map((child) => once(child, 'exit'))
    let readings = 0
    const anew = new Set<string>()
    while (rotations.some(({ exitCode }) => exitCode === null)) {
      await count(ids)
      readings++
      // SQLite answers at once, so that nothing else would ever be heard.
      await sleep(1)
      // A process that still has only the old key stores one.
      const id = ids[readings * 37] ?? ''
      const slug = (await registry.tenants.find(id))?.slug
      const sealed = seal(keys.old, id, new Secret(`password of ${slug}`))
      if (readings > 5) continue
      anew.add(id)
      await registry.tenants.writeCredentials(
        [{ credential: { tenantId: id, user: 'app', sealed, reference: null } }],
        'credential',
        actor,
      )
    }
    for (const [code] of await Promise.all(ended)) expect(code).toBe(0)
    expect(readings).toBeGreaterThan(2)
    const counts = await count(ids)
    // Only what was stored after the proof may be of the old key.
    expect(counts.old ?? 0).toBeLessThanOrEqual(anew.size)
  })

  test('one that does not open, and nothing is sealed anew', async () => {
    const ids = await fill(700)
    const [first = '', second = '', third = ''] = ids
    const stored = await registry.tenants.readCredentials(ids)
    const damaged = (stored.get(second)?.sealed ?? '').slice(0, -4)
    const put = (tenantId: string, sealed: string) =>
      registry.tenants.writeCredentials(
        [{ credential: { tenantId, user: 'app', sealed, reference: null } }],
        'credential',
        actor,
      )
    await put(first, seal(keys.other, first, new Secret('x')))
    await put(second, damaged)
    await put(third, stored.get(ids[3] ?? '')?.sealed ?? '')
    const { code, stdout } = await runWith(project, ['keys', 'rotate', '--json'], { env: both })
    expect(code).toBe(2)
    const { error } = JSON.parse(stdout)
    expect(error.code).toBe('CREDENTIAL_UNREADABLE')
    expect(error.message).toContain('3 of 700 credentials do not open, so none was sealed anew')
    expect(error.message).toContain(
      `is sealed with key ${keys.other.id}, and ${keys.new.id} and ${keys.old.id} are set`,
    )
    expect(error.message).toContain(`does not open with key ${keys.old.id}, which it names`)
    expect(error.context).toMatchObject({ unreadable: 3, tenants: expect.arrayContaining(['t0', 't1', 't2']) })
    expect(await count(ids.slice(3))).toEqual({ old: 697 })
  })

  test('the previous key is forgotten: told by its id, nothing written', async () => {
    const ids = await fill(1200)
    const { code, stderr } = await runWith(project, ['keys', 'rotate'], { env: onlyNew })
    expect(code).toBe(2)
    expect(stderr).toContain('1200 of 1200 credentials do not open, so none was sealed anew')
    expect(stderr).toContain(`is sealed with key ${keys.old.id}, and only ${keys.new.id} is set`)
    expect(stderr).toContain('… and 1180 more')
    expect(stderr).toContain(`Set the key with id ${keys.old.id}`)
    expect(await count(ids)).toEqual({ old: 1200 })
    const check = await runWith(project, ['keys', 'check', '--json'], { env: onlyNew })
    expect(check.code).toBe(3)
    expect(JSON.parse(check.stdout)).toMatchObject({ ok: false, missing: [{ keyId: keys.old.id, credentials: 1200 }] })
  })
}

describe('the embedded registry', () => story(() => configure({})))

describe('a registry on PostgreSQL', () => {
  let database: TestDatabase
  story(async () => {
    database = await freshDatabase('rotate')
    await configure({ url: database.url })
  })
  afterEach(async () => {
    await registry.close()
    await database.drop()
  })
})

withMariadb('a registry on MariaDB', () => {
  let database: MariadbDatabase
  story(async () => {
    database = await freshMariadb('rotate')
    await configure({ url: database.url })
  })
  afterEach(async () => {
    await registry.close()
    await database.drop()
  })
})
