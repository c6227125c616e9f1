import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { runBuilt } from './run-built.ts'

const manifest: { version: string } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

const selectors = [
  '--tenant',
  '--tenant-id',
  '--label',
  '--server',
  '--exclude',
  '--percent',
  '--limit',
  '--set',
  '--shard',
]
const globals = [
  '--config',
  '--env',
  '--json',
  '--log-format',
  '--quiet',
  '--verbose',
  '--no-color',
  '--concurrency',
  '--yes',
]
const changed = ['--allow-changed']

describe('help', () => {
  test('lists the commands of this version only', async () => {
    const { stdout, stderr, code } = await runBuilt(['--help'])
    expect([code, stderr]).toEqual([0, ''])
    const commands = [...stdout.matchAll(/^ {2}([a-z][a-z-]+)(?=[ |]|$)/gm)].map((match) => match[1])
    expect(commands.filter((command) => command !== 'tenantry')).toEqual([
      'init',
      'adopt',
      'make',
      'plan',
      'up',
      'down',
      'status',
      'check',
      'verify',
      'drift',
      'backfill',
      'backfill-data',
      'sample-db',
      'seed',
      'prove',
      'lint',
      'baseline',
      'unlock',
      'explain',
      'phase',
      'tenants',
      'registry',
      'keys',
      'rollout',
      'wait',
      'help',
    ])
    for (const flag of globals) expect(stdout).toContain(flag)
    expect(stdout).toContain('Examples:\n  tenantry init')
  })

  test.each<[string, string[]]>([
    ['init', []],
    ['adopt', [...selectors, '--write']],
    ['make', ['--name', '--description', '--set']],
    ['plan', [...selectors, ...changed, '--to', '--strict-order', '--out']],
    ['up', [...selectors, ...changed, '--to', '--dry-run', '--strict-order', '--max-failures', '--backup', '--verify']],
    [
      'down',
      [...selectors, ...changed, '--steps', '--to', '--batch', '--rollout', '--force', '--allow-data-loss', '--backup'],
    ],
    ['status', [...selectors, '--all', '--recent']],
    ['check', selectors],
    ['verify', selectors],
    ['drift', [...selectors, '--between']],
    ['backfill', [...selectors, '--dry-run']],
    ['prove', [...selectors, '--like', '--with-data', '--fresh']],
    ['baseline', [...selectors, '--to', '--migration', '--rename', '--rolled-back', '--force']],
    ['unlock', selectors],
    ['explain', []],
    ['tenants', []],
    [
      'tenants add',
      ['--name', '--id', '--topology', '--server', '--database', '--schema', '--label', '--state', '--provision'],
    ],
    ['tenants provision', []],
    ['tenants import', ['--dry-run']],
    ['tenants list', ['--state', '--label', '--limit', '--after']],
    ['tenants show', []],
    ['tenants suspend', []],
    ['tenants activate', []],
    ['tenants archive', []],
    ['tenants remove', ['--drop-data', '--dump']],
    ['rollout', []],
    ['rollout list', []],
    ['rollout show', []],
  ])('%s', async (command, flags) => {
    const { stdout, stderr, code } = await runBuilt([...command.split(' '), '--help'])
    expect([code, stderr]).toEqual([0, ''])
    for (const flag of [...flags, ...globals]) expect(stdout).toMatch(new RegExp(`^ .*${flag}\\b`, 'm'))
    expect(stdout).toContain(`\nExamples:\n  tenantry ${command}`)
  })
})

test.each([['--version'], ['-V']])('%s', async (flag) => {
  expect(await runBuilt([flag])).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: '' })
})

test('the version also beside other flags', async () => {
  expect(await runBuilt(['--json', '--version'])).toMatchObject({ code: 0, stdout: `${manifest.version}\n` })
})

test('an unknown command suggests the nearest', async () => {
  const { code, stdout, stderr } = await runBuilt(['stauts'])
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toContain('Unknown command `stauts`')
  expect(stderr).toContain('Did you mean `tenantry status`?')
})

test('an unknown flag is named', async () => {
  const { code, stderr } = await runBuilt(['up', '--max-failure', '2'])
  expect(code).toBe(2)
  expect(stderr).toMatch(/'--max-failure'[\s\S]*Did you mean `--max-failures`\?/)
})

test('a usage error as the only document on stdout', async () => {
  const { code, stdout, stderr } = await runBuilt(['--json', 'status', '--percent', '200'])
  expect([code, stderr]).toEqual([2, ''])
  expect(JSON.parse(stdout)).toMatchObject({
    command: 'status',
    ok: false,
    error: { code: 'USAGE', message: expect.stringContaining('--percent <n>'), context: {} },
  })
})

test('init writes a config and never overwrites one', async () => {
  const cwd = await mkdtemp(join(tmpdir(), 'tenantry-init-'))
  try {
    const first = await runBuilt(['init', '--json'], { cwd })
    expect([first.code, first.stderr]).toEqual([0, ''])
    expect(JSON.parse(first.stdout)).toMatchObject({ command: 'init', ok: true, file: 'tenantry.config.ts' })
    const written = await readFile(join(cwd, 'tenantry.config.ts'), 'utf8')
    expect(written).toContain('defineConfig')
    const second = await runBuilt(['init'], { cwd })
    expect([second.code, second.stdout]).toEqual([2, ''])
    expect(second.stderr).toContain('exists')
    expect(await readFile(join(cwd, 'tenantry.config.ts'), 'utf8')).toBe(written)
  } finally {
    await rm(cwd, { recursive: true })
  }
})

test('colors: none in a pipe, forced on request, refused by NO_COLOR and --no-color', async () => {
  const escapeCharacter = String.fromCharCode(27)
  const withEnv = async (env: NodeJS.ProcessEnv, ...more: string[]) =>
    (await runBuilt(['nothing', ...more], { env })).stderr.includes(escapeCharacter)
  expect(await withEnv({})).toBe(false)
  expect(await withEnv({ CI: '1' })).toBe(false)
  expect(await withEnv({ FORCE_COLOR: '1' })).toBe(true)
  expect(await withEnv({ FORCE_COLOR: '1', NO_COLOR: '1' })).toBe(false)
  expect(await withEnv({ FORCE_COLOR: '1' }, '--no-color')).toBe(false)
})

test('a reader that left does not crash it', async () => {
  const { code, stderr } = await runBuilt(['up', '--help'], { stdout: 'closed' })
  expect([code, stderr]).toEqual([0, ''])
})

test('docs/cli.md and docs/errors.md are what the program says', async () => {
  const script = fileURLToPath(new URL('../../scripts/generate-docs.mjs', import.meta.url))
  await expect(promisify(execFile)(process.execPath, [script, '--check'])).resolves.toMatchObject({ stderr: '' })
})
