import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Secret } from '../model/secret.ts'
import type { ServerAddress } from '../model/server.ts'
import type { Target } from '../model/tenant.ts'
import { runBackup } from './backup.ts'

const server: ServerAddress = {
  name: 'main',
  dialect: 'postgres',
  host: 'db.example.com',
  port: 5433,
  user: 'runner',
  password: new Secret('s3cret-word'),
  tls: { verify: 'full' },
  maxConcurrency: 1,
  maxConcurrencyPerDatabase: 1,
}
const target: Target = { name: 'main/app', placement: { server: 'main', database: 'app' }, tenants: [] }

let dir: string

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tenantry-backup-'))
})

afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(dir, { recursive: true })
})

async function environmentOfBackup(address: ServerAddress): Promise<string[]> {
  await runBackup('env > seen', target, address, dir)
  return readFileSync(join(dir, 'seen'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('PG'))
    .sort()
}

test('the command gets this very place, whatever else libpq would go by', async () => {
  for (const name of ['PGSERVICE', 'PGHOSTADDR', 'PGHOST', 'PGDATABASE']) vi.stubEnv(name, 'elsewhere')
  vi.stubEnv('PGSSLMODE', '')
  expect(await environmentOfBackup(server)).toEqual([
    'PGDATABASE=app',
    'PGHOST=db.example.com',
    'PGPASSWORD=s3cret-word',
    'PGPORT=5433',
    'PGSSLMODE=require',
    'PGUSER=runner',
  ])
})

test('a mode that is set stays, and without TLS none is given', async () => {
  vi.stubEnv('PGSSLMODE', 'verify-full')
  expect(await environmentOfBackup(server)).toContain('PGSSLMODE=verify-full')
  vi.stubEnv('PGSSLMODE', undefined)
  expect((await environmentOfBackup({ ...server, tls: null })).join()).not.toContain('PGSSLMODE')
})

test('a failure says what the command said, without the password', async () => {
  const failing = runBackup('echo "no $PGPASSWORD for you" >&2; exit 3', target, server, dir)
  await expect(failing).rejects.toMatchObject({
    code: 'BACKUP_FAILED',
    context: { target: 'main/app', output: 'no [secret] for you' },
  })
})
