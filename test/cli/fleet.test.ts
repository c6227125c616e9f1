import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../servers/shared.ts'
import { runBuilt } from './run-built.ts'

let database: TestDatabase
let cwd: string

const files = {
  'tenantry.config.json': JSON.stringify({
    migrations: { dir: './migrations' },
    tenants: [1, 2, 3].map((i) => ({ slug: `t${i}`, topology: 'schema', server: 'main', schema: `t_${i}` })),
  }),
  'migrations/001_init.sql': 'create table contact (id int primary key);\n',
  'migrations/002_vendor.sql': '-- vendors\ncreate table vendor (id int primary key);\n',
  'migrations/rollbacks/002_vendor.sql': 'drop table vendor;\n',
}

beforeAll(async () => {
  database = await freshDatabase('cli fleet')
  cwd = await mkdtemp(join(tmpdir(), 'tenantry-cli-'))
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(cwd, name)), { recursive: true })
    await writeFile(join(cwd, name), text)
  }
  const config = JSON.parse(files['tenantry.config.json'])
  for (const tenant of config.tenants) tenant.database = database.name
  config.servers = { main: { url: database.url } }
  await writeFile(join(cwd, 'tenantry.config.json'), JSON.stringify(config))
  await database.query('create schema t_1; create schema t_2; create schema t_3; create table t_2.vendor (other text)')
})

afterAll(async () => {
  await database?.drop()
  if (cwd) await rm(cwd, { recursive: true })
})

const tenantry = (line: string) => runBuilt(line.split(' '), { cwd })

test('one broken tenant fails alone; explained, repaired, run again; then one is undone', async () => {
  expect(await tenantry('plan')).toMatchObject({ code: 0, stdout: expect.stringContaining('3 would change') })
  expect(await tenantry('check')).toMatchObject({ code: 3, stdout: expect.stringContaining('3 pending') })

  const first = await tenantry('up')
  expect(first.code).toBe(1)
  expect(first.stdout).toContain('at migrations/002_vendor.sql:2:1')
  expect(first.stdout).toContain('✔ 2 applied · ✖ 1 failed')
  expect(first.stdout).toContain('`tenantry explain t2`')
  expect(first.stderr).toMatch(/✖ main\/\S+\/t_2: ALREADY_EXISTS/)

  expect(await tenantry('explain t2')).toMatchObject({ code: 0, stdout: expect.stringContaining('ALREADY_EXISTS') })
  const status = await tenantry('status --json')
  expect(status.code).toBe(0)
  expect(JSON.parse(status.stdout).targets.map((target: { pending: string[] }) => target.pending)).toEqual([
    [],
    ['002_vendor'],
    [],
  ])

  await database.query('drop table t_2.vendor')
  const again = await tenantry('up --json')
  expect([again.code, JSON.parse(again.stdout).summary]).toMatchObject([0, { applied: 1, upToDate: 2, failed: 0 }])
  expect(await tenantry('check')).toMatchObject({ code: 0, stdout: '✔ 3 targets are up-to-date\n' })

  expect(await tenantry('down 002 t3')).toMatchObject({ code: 0, stdout: expect.stringContaining('undone 002_vendor') })
  expect(await tenantry('down --to 001 t1 t2')).toMatchObject({ code: 0 })
  const missing = await tenantry('down t1')
  expect(missing.code).toBe(2)
  expect(missing.stderr).toContain('(UNDO_MISSING)')
  const rollouts = JSON.parse((await tenantry('rollout list --json')).stdout).rollouts
  expect(rollouts.map(({ command }: { command: string }) => command).sort()).toEqual(['down', 'down', 'up', 'up'])
  expect(await tenantry(`rollout show ${rollouts[0].id}`)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(rollouts[0].id),
  })
})

test('Ctrl-C finishes what is in flight and ends with 130 and how to continue', async () => {
  await writeFile(join(cwd, 'migrations/003_slow.sql'), 'select pg_sleep(2);\n')
  const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
  const argv = [main, 'up', '--concurrency', '1', '--log-format', 'json']
  const child = spawn(process.execPath, argv, { cwd, env: { PATH: process.env.PATH } })
  let stdout = ''
  let isSent = false
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (isSent || !text.includes('"target-started"')) return
    isSent = true
    child.kill('SIGINT')
  })
  const code = await new Promise((resolve) => child.on('close', resolve))
  expect(code).toBe(130)
  expect(stdout).toContain('✔ 1 applied · 0 failed · 2 not started')
  expect(stdout.trimEnd().split('\n').at(-1)).toContain('`tenantry up --concurrency 1 --log-format json` continues.')
})
