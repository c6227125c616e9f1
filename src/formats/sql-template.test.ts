import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { sql } from './sql.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tenantry-template-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const now = new Date('2025-03-01T23:59:59.900Z')
async function make(name: string, files: readonly string[] = [], description: string | null = null) {
  for (const file of files) {
    await mkdir(dirname(join(dir, file)), { recursive: true })
    await writeFile(join(dir, file), '')
  }
  const options = { root: dir, dirs: [dir], ignore: null, placeholders: {} }
  const before = await sql.load(options)
  const written = await sql.template(options, name, { description, now })
  for (const file of written) {
    await mkdir(dirname(file.path), { recursive: true })
    await writeFile(file.path, file.text)
  }
  const { migrations } = await sql.load(options)
  // What was made is a migration, and the last one.
  expect(migrations.length).toBe(before.migrations.length + 1)
  expect(before.migrations.map((migration) => migration.id)).not.toContain(migrations.at(-1)?.id)
  return written.map((file) => ({ ...file, path: relative(dir, file.path) }))
}
const paths = async (...given: Parameters<typeof make>) => (await make(...given)).map((file) => file.path)

it('starts an empty folder with 001 and writes the headers', async () => {
  expect(await make('Add users!', [], ' Users,\n and roles ')).toEqual([
    {
      path: '001_add_users.sql',
      text: '-- Migration: 001_add_users\n-- Created at: 2025-03-01\n-- Description: Users, and roles\n\n',
    },
    { path: 'rollbacks/001_add_users.sql', text: '-- Rollback for: 001_add_users\n\n' },
  ])
})

it('writes into a folder that is not there yet', async () => {
  const options = { root: dir, dirs: [join(dir, 'db')], ignore: null, placeholders: {} }
  const [up] = await sql.template(options, 'init', { description: null, now })
  expect(up?.path).toBe(join(dir, 'db/001_init.sql'))
})

it.each([
  ['counters', ['001_a.sql', '009_b.sql'], '010_x.sql', 'rollbacks/010_x.sql'],
  ['counters without padding', ['1-a.sql', '9-b.sql'], '10-x.sql', 'rollbacks/10-x.sql'],
  ['pairs', ['01_a.up.sql', '01_a.down.sql'], '02_x.up.sql', '02_x.down.sql'],
  ['bare with .down', ['01_a.sql', '01_a.down.sql'], '02_x.sql', '02_x.down.sql'],
  ['.up with rollbacks', ['01_a.up.sql', 'rollbacks/01_a.sql'], '02_x.up.sql', 'rollbacks/02_x.sql'],
  ['times', ['20250101000000_a.sql'], '20250301235959_x.sql', 'rollbacks/20250301235959_x.sql'],
  ['a clock ahead', ['20990101000000_a.sql'], '20990101000001_x.sql', 'rollbacks/20990101000001_x.sql'],
  ['days', ['20250101_z.sql'], '20250301_x.sql', 'rollbacks/20250301_x.sql'],
  ['the same day', ['20250301_a.sql'], '20250301_x.sql', 'rollbacks/20250301_x.sql'],
  ['the same day, sorting first', ['20250301_z.sql'], '20250301235959_x.sql', 'rollbacks/20250301235959_x.sql'],
  ['a day ahead', ['20250331_z.sql'], '20250301235959_x.sql', 'rollbacks/20250301235959_x.sql'],
  ['dashed days', ['2025-01-01-a.sql'], '2025-03-01-x.sql', 'rollbacks/2025-03-01-x.sql'],
  ['dashed times', ['2025_01_01_120000_a.sql'], '2025_03_01_235959_x.sql', 'rollbacks/2025_03_01_235959_x.sql'],
  ['epochs', ['1735689600_a.sql'], '1740873599_x.sql', 'rollbacks/1740873599_x.sql'],
  ['names', ['a_b.sql'], 'x.sql', 'rollbacks/x.sql'],
])('follows %s', async (_name, files, up, down) => {
  expect(await paths('x', files)).toEqual([up, down])
})

it.each(['', '  ', '!!!', '日本'])('refuses the name %j', async (name) => {
  await expect(make(name)).rejects.toMatchObject({ code: 'USAGE' })
})

it('keeps a name inside the folder and on one line', async () => {
  const [up] = await make('../../É;\nDROP TABLE x; --')
  expect(up).toMatchObject({ path: '001_e_drop_table_x.sql' })
  expect(up?.text.split('\n').every((line) => line === '' || line.startsWith('--'))).toBe(true)
})

it.each(['about', '2fa'])('refuses a name that would not come last among bare names: %s', async (name) => {
  await expect(make(name, ['b.sql'])).rejects.toMatchObject({ code: 'USAGE' })
})
