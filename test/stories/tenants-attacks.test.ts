/** What people and files may throw at the registry's tenants: by the library, and by the built command line. */
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { tenantTransitions } from '../../src/model/registry.ts'
import type { TenantState } from '../../src/model/tenant.ts'
import type { Tenants } from '../../src/model/tenant-report.ts'
import { startProxy, type TcpProxy } from '../servers/proxy.ts'
import { freshDatabase, sharedServer, type TestDatabase } from '../servers/shared.ts'
import { makeProvisionProject, type ProvisionProject } from './provision-project.ts'
import { type RegistryPlace, registryKinds, twoMigrations } from './tenants-project.ts'

let project: ProvisionProject
const tenants = <T>(work: (tenants: Tenants) => Promise<T>) => project.open((tenantry) => work(tenantry.tenants))
const slugs = async () => {
  const found: string[] = []
  for await (const { slug } of project.registry.tenants.list()) found.push(slug)
  return found.sort()
}
const makeProject = (registryUrl: string) =>
  makeProvisionProject({ main: { url: sharedServer().url() } }, registryUrl, '', twoMigrations)
// Nothing is looked at in a server: the state is told.
const active = { state: 'active' } as const
const esc = String.fromCharCode(27)

const badSlugs = [
  '',
  "o'brien",
  'a"b',
  'a`b',
  "x'; drop table tenantry_tenants; --",
  '../../etc/passwd',
  '/etc',
  'a\\b',
  'a b',
  'a\nb',
  `a${esc}[31mred`,
  'a\u0000b',
  'a\u202eb',
  'a\u200bb',
  '\u0430cme', // Cyrillic
  'caf\u00e9',
  'cafe\u0301',
  '\uff41cme',
  'ACME',
  '-rf',
  '--help',
  'a'.repeat(64),
  'a'.repeat(300),
]

for (const kind of registryKinds) {
  kind.describe(`with a registry on ${kind.name}`, () => {
    let place: RegistryPlace
    beforeEach(async () => {
      place = await kind.fresh()
      project = await makeProject(place.url)
    })
    afterEach(async () => {
      project?.remove()
      await place?.drop()
    })

    test('slugs that are none: by the library, each is told why, in text that a terminal survives', async () => {
      for (const slug of badSlugs) {
        const error = await tenants((book) => book.add(slug, { ...active, database: 'x' })).catch((thrown) => thrown)
        expect([slug, error.code]).toEqual([slug, 'TENANT_INVALID'])
        expect(error.message).toMatch(/slug /)
        expect(error.message).not.toMatch(/[^\P{C}\n]/u)
        if (/[^a-z0-9_-]/.test(slug)) expect(error.message).toMatch(/U\+[0-9A-F]{4}/)
        // To ask for one is no injection either.
        for (const ask of ['show', 'suspend', 'activate', 'archive', 'remove'] as const)
          await expect(tenants<unknown>((book) => book[ask](slug))).rejects.toMatchObject({ code: 'TENANT_UNKNOWN' })
      }
      expect(await slugs()).toEqual([])
    })

    test('SQL in every field is text', async () => {
      const evil = `x'); DROP TABLE tenantry_tenants; -- " \` \\ ? $1 :a %s`
      await tenants((book) =>
        book.add('evil', { ...active, name: evil, database: evil.slice(0, 63), labels: { note: evil } }),
      )
      project.write({
        'evil.json': JSON.stringify([
          {
            slug: 'evil2',
            name: evil,
            database: `b${evil.slice(0, 60)}`,
            labels: { note: evil },
            user: evil,
            password_ref: `command:${evil}`,
          },
        ]),
      })
      await tenants((book) => book.import('evil.json'))
      await tenants(async (book) => {
        await book.suspend('evil')
        for (const slug of ['evil', 'evil2']) {
          const shown = await book.show(slug)
          expect(shown.tenant).toMatchObject({ slug, name: evil, labels: { note: evil } })
        }
        expect((await book.show('evil2')).credential).toMatchObject({ kind: 'reference', user: evil })
        const found = []
        for await (const { slug } of book.list({ labels: [`note=${evil}`] })) found.push(slug)
        expect(found.sort()).toEqual(['evil', 'evil2'])
      })
      const stored = await project.registry.tenants.readCredentials([
        (await project.registry.tenants.find('evil2'))?.id ?? '',
      ])
      expect([...stored.values()]).toMatchObject([{ user: evil, reference: `command:${evil}`, sealed: null }])
      expect(await slugs()).toEqual(['evil', 'evil2'])
      const { tenants: store } = project.registry
      await store.add(
        [{ slug: 'actor', topology: 'database', state: 'active', placement: { server: 'main', database: 'z' } }],
        { name: evil },
      )
      expect((await store.audit('actor')).map(({ actor }) => actor)).toEqual([evil])
    })

    test('ten at once suspend and activate one tenant: every step follows from the one before', async () => {
      await tenants((book) => book.add('acme', { ...active, database: 'acme_x' }))
      const work = Array.from({ length: 10 }, (_, i) =>
        tenants(async (book) => {
          for (let round = 0; round < 3; round++)
            await ((i + round) % 2 === 0 ? book.suspend('acme') : book.activate('acme', { migrate: false }))
        }),
      )
      const results = await Promise.allSettled(work)
      for (const result of results)
        if (result.status === 'rejected') expect(['TENANT_STATE', 'LOCK_TIMEOUT']).toContain(result.reason.code)
      await expectChain('acme')
    }, 120_000)
  })
}

/** The audit's lines of state, each beginning where the one before ended, and each allowed. */
async function expectChain(slug: string): Promise<void> {
  const steps = (await project.registry.tenants.audit(slug)).filter(({ action }) => action === 'state')
  expect(steps.length).toBeGreaterThan(0)
  let state: TenantState = 'active'
  for (const { from, to } of steps) {
    expect(from).toBe(state)
    expect(tenantTransitions[state]).toContain(to)
    state = to as TenantState
  }
  expect((await project.registry.tenants.find(slug))?.state).toBe(state)
}

describe('by the command line', () => {
  let database: TestDatabase
  let proxy: TcpProxy | null = null
  beforeEach(async () => {
    database = await freshDatabase('registry')
    project = await makeProject(database.url)
  })
  afterEach(async () => {
    await proxy?.stop()
    proxy = null
    project?.remove()
    await database?.drop()
  })
  const run = (...argv: string[]) => project.run(argv, project.env)

  test('a slug that is none ends with 2, names the character, and shows nothing that steers a terminal', async () => {
    for (const slug of [`a${esc}[31m\u202ered`, "o'brien", '\u0430cme', 'a'.repeat(300)]) {
      const { code, stdout, stderr } = await run('tenants', 'add', slug, '--database', 'x', '--state', 'active')
      expect([code, stdout]).toEqual([2, ''])
      expect(stderr).toContain('TENANT_INVALID')
      expect(stderr).not.toContain(esc)
      expect(stderr).not.toContain('\u202e')
      expect(stderr).toMatch(slug.length === 300 ? /300 bytes/ : /U\+/)
    }
    expect(await slugs()).toEqual([])
  }, 60_000)

  test('names and labels with control characters are shown as codes', async () => {
    const name = `Acme${esc}[2J\u202e\u200b\nTotal: 0 tenants`
    await tenants((book) =>
      book.add('acme', { ...active, name, database: 'acme_x', labels: { note: `x\ty${esc}]0;z` } }),
    )
    for (const argv of [['list'], ['show', 'acme'], ['suspend', 'acme'], ['remove', 'acme']]) {
      const { stdout, stderr, code } = await run('tenants', ...argv)
      expect(code).toBe(0)
      expect(stdout + stderr).not.toMatch(/[^\P{C}\n]/u)
      expect(stdout).toContain(
        argv[0] === 'list' ? 'note=x\\u0009y\\u001b]0;z' : 'Acme\\u001b[2J\\u202e\\u200b\\u000aTotal',
      )
    }
    const { tenants: listed } = JSON.parse((await run('tenants', 'list', '--json')).stdout)
    expect(listed[0].name).toBe(name)
  }, 60_000)

  test('ten processes at once', async () => {
    await tenants((book) => book.add('acme', { ...active, database: 'acme_x' }))
    const ended = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        run('tenants', ...(i % 2 === 0 ? ['suspend'] : ['activate', '--no-migrate']), 'acme', '--json'),
      ),
    )
    for (const { code, stdout } of ended) {
      const report = JSON.parse(stdout)
      expect([0, 2]).toContain(code)
      if (code === 2) expect(report.error.code).toBe('TENANT_STATE')
    }
    await expectChain('acme')
  }, 120_000)

  test.each<[string, Parameters<TcpProxy['cutWhen']>[0]]>([
    [
      'at the first rows',
      { direction: 'client', match: /INSERT INTO .*tenantry_tenants/, action: 'destroy-before-forward' },
    ],
    [
      'in the middle',
      { direction: 'client', match: /INSERT INTO .*tenantry_tenants/, nth: 5, action: 'destroy-after-forward' },
    ],
    [
      'at the audit',
      { direction: 'client', match: /INSERT INTO .*tenantry_audit/, nth: 2, action: 'destroy-before-forward' },
    ],
    ['before the commit', { direction: 'client', match: /\bCOMMIT\b/i, action: 'destroy-before-forward' }],
  ])(
    'a registry that goes away during an import, %s: nothing is half-imported',
    async (_, rule) => {
      const { host, port } = sharedServer()
      proxy = await startProxy({ host, port })
      const through = await makeProject(proxy.url(database.url))
      const lines = Array.from({ length: 3000 }, (_, i) => `t${i},db_${i}`)
      writeFileSync(join(through.dir, 'tenants.csv'), `slug,database\n${lines.join('\n')}\n`)
      proxy.cutWhen(rule)
      const { code, stdout } = await through.run(['tenants', 'import', 'tenants.csv', '--json'], through.env)
      through.remove()
      const report = JSON.parse(stdout)
      expect([code, report.ok]).toEqual([1, false])
      expect(['CONNECTION_LOST', 'SERVER_UNREACHABLE']).toContain(report.error.code)
      expect(await slugs()).toEqual([])
      expect(await database.query('select 1 from tenantry_audit')).toEqual([])
      // The same file again, once it is back.
      writeFileSync(join(project.dir, 'tenants.csv'), `slug,database\n${lines.join('\n')}\n`)
      expect(await tenants((book) => book.import('tenants.csv'))).toMatchObject({ tenants: 3000 })
    },
    60_000,
  )

  test('a list that is cut off in the middle is still one document, and says why', async () => {
    const lines = Array.from({ length: 3000 }, (_, i) => `t${i},db_${i}`)
    writeFileSync(join(project.dir, 'tenants.csv'), `slug,database\n${lines.join('\n')}\n`)
    await tenants((book) => book.import('tenants.csv'))
    const { host, port } = sharedServer()
    proxy = await startProxy({ host, port })
    const through = await makeProject(proxy.url(database.url))
    proxy.cutWhen({ direction: 'client', match: /ORDER BY id LIMIT/, nth: 3, action: 'destroy-before-forward' })
    const { code, stdout } = await through.run(['tenants', 'list', '--json'], through.env)
    through.remove()
    const report = JSON.parse(stdout)
    expect([code, report.ok, report.error.code]).toEqual([1, false, 'CONNECTION_LOST'])
    expect(report.tenants).toHaveLength(1100)
  }, 60_000)

  test('a reader that leaves ends the list', async () => {
    const lines = Array.from({ length: 3000 }, (_, i) => `${randomBytes(20).toString('hex')},db_${i}`)
    writeFileSync(join(project.dir, 'tenants.csv'), `slug,database\n${lines.join('\n')}\n`)
    await tenants((book) => book.import('tenants.csv'))
    const { runBuilt } = await import('../cli/run-built.ts')
    const ended = await runBuilt(['tenants', 'list'], { cwd: project.dir, env: project.env, stdout: 'closed' })
    expect([ended.code, ended.stderr]).toEqual([0, ''])
  }, 60_000)
})
