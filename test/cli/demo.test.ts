/** `npm run demo` as a new user has it, in a folder of its own. */
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { prepareFolder } from '../../demo/lib/folder.mjs'
import { type Ended, runBuilt } from './run-built.ts'

const parent = mkdtempSync(path.join(tmpdir(), 'tenantry-demo-'))
const dir = path.join(parent, 'fleet')

afterAll(async () => {
  await prepareFolder(dir)
  rmSync(parent, { recursive: true })
})

function runNode(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    // Variables of another fleet must not get in.
    const env = { ...process.env, DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none', TENANTRY_ENV: 'none' }
    execFile(process.execPath, args, { env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
    )
  })
}

const demoFile = fileURLToPath(new URL('../../demo/run.mjs', import.meta.url))

/** The first console block of the readme, which is the demo's output, cut at `…`. */
function readCast(): string {
  const readme = readFileSync(fileURLToPath(new URL('../../README.md', import.meta.url)), 'utf8')
  return /```console\n([\s\S]*?)```/.exec(readme)?.[1] ?? '(no cast)'
}

/** Lines of the cast that the demo did not print; durations may differ. */
function findForeignLines(cast: string, output: string): string[] {
  const lines = (text: string) => text.split('\n').map((line) => line.replaceAll(/\d+(\.\d+)? m?s\b/g, 'N s'))
  const printed = new Set(lines(output))
  return lines(cast).filter((line) => line !== '…' && !printed.has(line))
}

test('the demo does what it says, in the time it says', async () => {
  const startedAt = performance.now()
  const { code, stdout, stderr } = await runNode(demoFile, '--dir', dir)
  expect([code, stderr.includes('The demo failed')], stderr).toEqual([0, false])
  // Half a minute on two free cores; here they are shared with other tests.
  expect(performance.now() - startedAt).toBeLessThan(120_000)

  expect([...stdout.matchAll(/^\$ (tenantry .*)$/gm)].map((match) => match[1])).toEqual([
    'tenantry up --label since=2023 --set tenant --to 005 --quiet',
    'tenantry up --label since=2024 --set tenant --to 004 --quiet',
    'tenantry up --label since=2025 --set tenant --to 002 --quiet',
    'tenantry up market --to 20250110 --quiet',
    'tenantry plan',
    'tenantry up',
    'tenantry up',
    'tenantry status',
    'tenantry down acorn',
    'tenantry down acorn --allow-data-loss',
    'tenantry status acorn',
  ])
  expect(stdout.match(/\d+ of 60 tenants have every migration/g)).toEqual([
    '59 of 60 tenants have every migration',
    '60 of 60 tenants have every migration',
  ])
  expect(findForeignLines(readCast(), stdout + stderr)).toEqual([])

  const { password }: { password: string } = JSON.parse(readFileSync(path.join(dir, 'server.json'), 'utf8'))
  expect(stdout + stderr).not.toContain(password)

  const list = await runBuilt(['rollout', 'list', '--json'], { cwd: dir })
  const { rollouts }: { rollouts: { command: string; summary: Record<string, number> }[] } = JSON.parse(list.stdout)
  const ups = rollouts.filter(({ command }) => command === 'up').reverse()
  expect(ups.map(({ summary }) => [summary.applied, summary.failed]).slice(-2)).toEqual([
    [59, 1],
    [1, 0],
  ])
}, 180_000)

test('the fleet it leaves can be gone on with, and its server stopped, started and removed', async () => {
  const runServer = (command: string) => runNode(path.join(dir, 'server.mjs'), command)
  const upToDate = await runBuilt(['check', '--json'], { cwd: dir })
  expect([upToDate.code, JSON.parse(upToDate.stdout).summary]).toMatchObject([3, { targets: 60, pending: 1 }])

  expect(await runServer('stop')).toMatchObject({ code: 0, stdout: expect.stringContaining('stopped') })
  expect(await runBuilt(['check'], { cwd: dir })).toMatchObject({ code: 1 })
  expect(await runServer('start')).toMatchObject({ code: 0, stderr: '' })
  expect(await runBuilt(['up', '--quiet'], { cwd: dir })).toMatchObject({ code: 0 })
  expect(await runBuilt(['check'], { cwd: dir })).toMatchObject({ code: 0 })
  expect(await runServer('restart')).toMatchObject({ code: 1, stderr: expect.stringContaining('Usage') })

  const { dir: home }: { dir: string } = JSON.parse(readFileSync(path.join(dir, 'server.json'), 'utf8'))
  expect(await runServer('remove')).toMatchObject({ code: 0, stderr: '' })
  expect(existsSync(home)).toBe(false)
  expect(await runServer('start')).toMatchObject({ code: 1, stderr: expect.stringContaining('run the demo again') })
}, 120_000)

test('a former fleet is cleared away, a folder of somebody else is not', async () => {
  await prepareFolder(dir)
  expect(readdirSync(dir)).toEqual([])
  writeFileSync(path.join(dir, 'mine.txt'), 'mine')
  const refused = await runNode(demoFile, '--dir', dir)
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('is not empty') })
  expect(readdirSync(dir)).toEqual(['mine.txt'])
  rmSync(path.join(dir, 'mine.txt'))
})
