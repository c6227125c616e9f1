/** A disk that is full while PostgreSQL makes a tenant's database: told with its code, nothing left, gone on with later. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, renameSync, rmSync, statfsSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { startPostgres } from '../servers/postgres.ts'
import { freshDatabase } from '../servers/shared.ts'
import { makeProvisionProject } from './provision-project.ts'

const isRoot = process.getuid?.() === 0

describe.skipIf(!isRoot)(`a full disk${isRoot ? '' : ' (only root can mount a small file system)'}`, () => {
  test.each(['auto', 'replay'])('a database that finds no room, made by %s', async (from) => {
    const folder = mkdtempSync(join(tmpdir(), 'tenantry-full-'))
    const wal = mkdtempSync(join(tmpdir(), 'tenantry-wal-'))
    const registry = await freshDatabase('provision_disk_registry')
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=160m,mode=755', 'tmpfs', folder])
    const server = await startPostgres({ dir: join(folder, 'server') }).catch((error: unknown) => {
      execFileSync('umount', ['-l', folder])
      throw error
    })
    let project: Awaited<ReturnType<typeof makeProvisionProject>> | undefined
    try {
      // Without room for its log a server does not refuse: it ends. That one is elsewhere.
      await server.halt()
      const log = join(server.dataDir, 'pg_wal')
      execFileSync('cp', ['-a', `${log}/.`, wal])
      execFileSync('chown', ['--reference', server.dataDir, wal])
      renameSync(log, `${log}-before`)
      rmSync(`${log}-before`, { recursive: true })
      symlinkSync(wal, log)
      await server.restart()
      const own = await makeProvisionProject(
        { main: { url: server.url() } },
        registry.url,
        `provision: { topology: 'database', from: '${from}' },`,
        { 'migrations/001_users.sql': 'CREATE TABLE users (id int PRIMARY KEY);' },
      )
      project = own
      const filler = join(folder, 'filler')
      await server.query('CHECKPOINT')
      const { bavail, bsize } = statfsSync(folder)
      writeFileSync(filler, Buffer.alloc(bavail * bsize - 512 * 1024, 1))

      const error = await own.provision({ slug: 'acme' }).then(
        () => null,
        (reason: unknown) => reason as { code: string; message: string; hint: string; context: object },
      )
      expect(error).toMatchObject({
        code: 'PROVISION_FAILED',
        message: expect.stringMatching(
          /^Tenant acme could not be made \(step place, main\/acme_\d{8}\): .*No space left/,
        ),
        hint: expect.stringContaining('tenantry tenants provision acme'),
        context: { sqlstate: '53100', step: 'place' },
      })
      expect((await own.registry.tenants.find('acme'))?.state).toBe('failed')
      const names = async () =>
        (await server.query('SELECT datname AS name FROM pg_database ORDER BY 1')).map(({ name }) => String(name))
      expect(await names()).toEqual(['postgres', 'template0', 'template1'])
      expect((await own.up()).summary).toMatchObject({ targets: 0 })

      rmSync(filler)
      const report = await own.provision({ slug: 'acme' })
      expect(report).toMatchObject({ made: true, from: 'failed', tenant: { state: 'active' } })
      expect(await names()).toContain(report.tenant.target.slice('main/'.length))
      expect((await names()).filter((name) => name.startsWith('tenantry_new_'))).toEqual([])
      expect((await own.up()).summary).toMatchObject({ targets: 1, upToDate: 1 })
    } finally {
      project?.remove()
      await registry.drop()
      await server.stop().catch(() => {})
      execFileSync('umount', ['-l', folder])
      for (const dir of [folder, wal]) rmSync(dir, { recursive: true, force: true })
    }
  })
})
