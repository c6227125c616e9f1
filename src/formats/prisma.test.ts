import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { prisma } from './prisma.ts'

const root = join(import.meta.dirname, '../../test/fixtures')
const from = (...names: string[]) => ({
  root,
  dirs: names.map((name) => join(root, name)),
  ignore: null,
  placeholders: {},
})

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tenantry-prisma-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))
const own = () => ({ root: dir, dirs: [dir], ignore: null, placeholders: {} })
async function writeFolder(id: string, text: string | Buffer): Promise<void> {
  await mkdir(join(dir, id))
  await writeFile(join(dir, id, 'migration.sql'), text)
}

it('orders folders by full name as Prisma does, days before times of that day', async () => {
  const { migrations, notices } = await prisma.load(from('prisma-folders'))
  expect(migrations.map(({ id, number, keys, down, up }) => [id, number, keys, down?.file ?? null, up.file])).toEqual([
    [
      '20241218_initial_schema',
      '20241218',
      ['20241218_initial_schema'],
      'prisma-folders/20241218_initial_schema/rollback.sql',
      'prisma-folders/20241218_initial_schema/migration.sql',
    ],
    [
      '20241218120000_add_contact',
      '20241218120000',
      ['20241218120000_add_contact'],
      null,
      'prisma-folders/20241218120000_add_contact/migration.sql',
    ],
    [
      '20250110000000_add_priority',
      '20250110000000',
      ['20250110000000_add_priority'],
      null,
      'prisma-folders/20250110000000_add_priority/migration.sql',
    ],
  ])
  // sha256sum of the file.
  expect(migrations[1]?.checksum).toBe('2d9eb03e37e8a99b560e02ec99a4129674215e891817ce6a2fe1251207e2f4eb')
  expect(notices.map((notice) => notice.rule)).toEqual(['undo-not-written', 'prisma-order'])
})

it('reports every problem at once, and a lock file for another database', async () => {
  await expect(prisma.load(from('prisma-broken'))).rejects.toMatchObject({
    code: 'MIGRATIONS_UNREADABLE',
    context: {
      files: [
        'prisma-broken/20250102000000_gone',
        'prisma-broken/20250103000000_empty',
        'prisma-broken/20250104000000_wide/migration.sql',
      ],
    },
    message: expect.stringContaining("has no migration.sql (Prisma's P3015)"),
  })
  const { migrations, notices } = await prisma.load({ ...from('prisma-broken'), ignore: /_(gone|empty|wide)$/ })
  expect(migrations.map((migration) => migration.id)).toEqual(['20250101000000_ok'])
  expect(notices).toMatchObject([{ rule: 'prisma-provider', message: expect.stringContaining('written for mysql') }])
})

it('takes the checksum over the bytes, and knows what Prisma takes for equal', async () => {
  await writeFolder('20250101000000_a', 'SELECT 1;\r\n')
  await writeFolder('20250102000000_b', 'SELECT 1;\n')
  const [windows, plain] = (await prisma.load(own())).migrations
  expect(plain?.checksum).not.toBe(windows?.checksum)
  expect(plain?.otherChecksums).toContain(windows?.checksum)
  expect(windows?.otherChecksums).toContain(plain?.checksum)
  const unpadded = plain?.checksum.replaceAll(/(..)/g, (pair) => pair.replace(/^0/, ''))
  expect([plain?.checksum, ...(plain?.otherChecksums ?? [])]).toContain(unpadded)
})

it('refuses one name in two folders', async () => {
  await writeFolder('20250101000000_ok', '')
  await expect(prisma.load({ ...from('prisma-broken'), dirs: [dir, join(root, 'prisma-broken')] })).rejects.toThrow(
    'are the migration 20250101000000_ok',
  )
})

it('writes a folder with an empty undo, later than the last one', async () => {
  const now = new Date('2025-03-01T23:59:59.900Z')
  const first = await prisma.template(own(), 'Add users!', { description: null, now })
  expect(first).toEqual([
    {
      path: join(dir, '20250301235959_add_users/migration.sql'),
      text: '-- Migration: 20250301235959_add_users\n-- Created at: 2025-03-01\n-- Description: Add users!\n\n',
    },
    { path: join(dir, '20250301235959_add_users/rollback.sql'), text: '' },
  ])
  await writeFolder('20250301235959_zoo', '')
  const [second] = await prisma.template(own(), 'add users', { description: null, now })
  expect(second?.path).toBe(join(dir, '20250302000000_add_users/migration.sql'))
})
