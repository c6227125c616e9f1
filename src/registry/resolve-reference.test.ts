import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { resolveReference } from './resolve-reference.ts'

const dir = mkdtempSync(join(tmpdir(), 'tenantry-references-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))
writeFileSync(join(dir, 'password'), 'from a file\n')
chmodSync(join(dir, 'password'), 0o600)

const resolve = async (reference: string, env: Record<string, string> = {}) => {
  const found = await resolveReference(reference, { env: { PATH: process.env.PATH, ...env }, root: dir })
  return typeof found === 'string' ? { refused: found } : found.reveal()
}

test('each kind gives what it stands for', async () => {
  expect(await resolve('env:APP', { APP: 'from a variable' })).toBe('from a variable')
  expect(await resolve(`file:${join(dir, 'password')}`)).toBe('from a file')
  expect(await resolve('command:printf from-a-command')).toBe('from-a-command')
})

test.each([
  ['env,file', 'command:touch ran', /TENANTRY_REFERENCES does not allow `command:`/],
  ['env', `file:${join(dir, 'password')}`, /does not allow `file:`/],
  ['', 'env:APP', /does not allow `env:`/],
])('TENANTRY_REFERENCES=%j refuses %s', async (allowed, reference, message) => {
  const found = await resolve(reference, { TENANTRY_REFERENCES: allowed, APP: 'x' })
  expect(found).toEqual({ refused: expect.stringMatching(message) })
})

test('what a command prints is never in what is told about it', async () => {
  const found = await resolve('command:sh -c "echo pl4nted; exit 3"')
  expect(found).toEqual({ refused: expect.not.stringContaining('pl4nted') })
})
