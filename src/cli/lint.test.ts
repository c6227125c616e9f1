import { EventEmitter } from 'node:events'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { LintReport } from '../model/lint.ts'
import { openTenantry } from '../tenantry.ts'
import { runCli } from './run.ts'

let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tenantry-lint-'))
  await mkdir(join(root, 'migrations/rollbacks'), { recursive: true })
})

afterEach(() => rm(root, { recursive: true }))

const server = { url: 'postgres://somebody:s3cret-word@127.0.0.1:1/app' }

async function writeProject(files: Record<string, string>, config: object = {}): Promise<void> {
  const tenants = [{ slug: 'acme', server: 'main', database: 'app' }]
  await writeFile(join(root, 'tenantry.config.json'), JSON.stringify({ servers: { main: server }, tenants, ...config }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(root, 'migrations', name), text)
}

/** The linter of this repository, as if the project had installed it. */
async function installSquawk(): Promise<void> {
  await mkdir(join(root, 'node_modules'))
  for (const name of ['squawk-cli', '@squawk-cli'])
    await symlink(resolve('node_modules', name), join(root, 'node_modules', name))
}

async function run(...argv: string[]) {
  const out = { stdout: '', stderr: '' }
  const stream = (name: keyof typeof out) => ({
    write(text: string) {
      out[name] += text
    },
  })
  const code = await runCli(argv, {
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    env: { GITHUB_WORKSPACE: join(root, '..') },
    cwd: root,
    now: Date.now,
    signals: new EventEmitter(),
    exit: () => {},
    open: (options) => openTenantry({ ...options, env: {} }),
  })
  return { code, ...out }
}

const clean = {
  '001_orders.sql': 'CREATE TABLE IF NOT EXISTS orders (id bigint PRIMARY KEY);',
  'rollbacks/001_orders.sql': 'DROP TABLE orders;',
}
const unsafe = {
  ...clean,
  '002_order_note.sql':
    'ALTER TABLE orders ADD COLUMN IF NOT EXISTS note text NOT NULL;\nCREATE INDEX IF NOT EXISTS n ON orders (note);',
  'rollbacks/002_order_note.sql': 'ALTER TABLE orders DROP COLUMN note;',
}

describe('exit codes', () => {
  test('0: nothing found, without any server', async () => {
    await writeProject(clean)
    const { code, stdout } = await run('lint')
    expect(code).toBe(0)
    expect(stdout).toContain('✔ 1 migration linted: nothing found')
    expect(stdout.match(/squawk is not installed/g)).toHaveLength(1)
  })

  test('3: an error', async () => {
    await writeProject(unsafe)
    const { code, stdout } = await run('lint')
    expect(code).toBe(3)
    expect(stdout).toContain(
      '✖ migrations/002_order_note.sql:1:45  add-not-null-without-default  lock: ACCESS EXCLUSIVE',
    )
    expect(stdout).toContain('instead: CREATE INDEX CONCURRENTLY IF NOT EXISTS n ON orders (note);')
    expect(stdout).toContain('2 migrations linted: 2 errors')
  })

  test('3: more warnings than allowed', async () => {
    await writeProject({ ...clean, '002_all_orders.sql': 'UPDATE orders SET id = id;' })
    expect((await run('lint')).code).toBe(0)
    expect((await run('lint', '--max-warnings', '2')).code).toBe(0)
    const { code, stdout } = await run('lint', '--max-warnings', '1')
    expect(code).toBe(3)
    expect(stdout).toContain('more than 1 warning')
  })

  test.each([
    [['lint', '--format', 'yaml']],
    [['lint', '--max-warnings', 'no']],
    [['lint', '--pg-version', 'new']],
    [['lint', '--set', 'other']],
    [['lint', '003_unknown']],
    [['lint', '--after', '009']],
    [['lint', '001', '--after', '001']],
    [['lint', '--json', '--format', 'sarif']],
  ])('2: %j', async (argv) => {
    await writeProject(clean)
    const { code, stderr, stdout } = await run(...argv)
    expect(code).toBe(2)
    expect(`${stderr}${stdout}`).toMatch(/error/)
  })
})

describe('what is looked at', () => {
  test('the named ones, knowing what came before', async () => {
    await writeProject({ ...unsafe, '003_longer.sql': 'ALTER TABLE orders ALTER COLUMN note TYPE varchar(9);' })
    const { stdout } = await run('lint', '003', '--json')
    const report = JSON.parse(stdout) as LintReport
    expect(report.findings.map(({ rule, message }) => [rule, message])).toEqual([
      ['missing-undo', '003_longer has no undo'],
      ['change-type', expect.stringContaining('changes from text to varchar(9)')],
    ])
    expect(report.summary).toMatchObject({ migrations: 1, errors: 1, warnings: 1 })
  })

  test('what comes after one, by flag and by config', async () => {
    await writeProject({ ...unsafe, '003_longer.sql': 'SELECT 1;' }, { lint: { after: '002' } })
    const byConfig = JSON.parse((await run('lint', '--json')).stdout) as LintReport
    expect(byConfig.findings.map(({ migration }) => migration)).toEqual(['003_longer'])
    const byFlag = JSON.parse((await run('lint', '--after', '001', '--json')).stdout) as LintReport
    expect(new Set(byFlag.findings.map(({ migration }) => migration))).toEqual(
      new Set(['002_order_note', '003_longer']),
    )
  })

  test('versions of servers, by flag and by config', async () => {
    await writeProject(
      { '001_m.sql': 'MERGE INTO a USING b ON a.id = b.id WHEN MATCHED THEN DO NOTHING;' },
      { lint: { pgVersion: 14 } },
    )
    const found = async (...argv: string[]) =>
      (JSON.parse((await run('lint', '--json', ...argv)).stdout) as LintReport).findings.filter(
        ({ rule }) => rule === 'newer-syntax',
      )
    expect(await found()).toMatchObject([
      { severity: 'error', message: 'MERGE needs PostgreSQL 15, and the oldest server has 14' },
    ])
    expect(await found('--pg-version', '16.2')).toEqual([])
  })

  test('schemas and shared targets, from the list of tenants', async () => {
    const tenants = [
      { slug: 'a', server: 'main', database: 'app', schema: 't_a' },
      { slug: 'b', server: 'main', database: 'pool', topology: 'shared' },
    ]
    await writeProject(
      { '001_notes.sql': 'CREATE TABLE public.notes (id int);\nSELECT 1 FROM public.other;' },
      { tenants },
    )
    const { stdout } = await run('lint', '--json')
    const rules = (JSON.parse(stdout) as LintReport).findings.map(({ rule }) => rule)
    expect(rules).toEqual(expect.arrayContaining(['public-name-moves', 'public-name-stays', 'tenant-column-missing']))
  })

  test('without a server nobody can tell what is read', async () => {
    await writeFile(
      join(root, 'tenantry.config.mjs'),
      'export default { migrations: { dir: "./migrations" }, tenants: () => [] }',
    )
    await writeFile(join(root, 'migrations/001_a.sql'), 'DROP TABLE x;')
    const report = JSON.parse((await run('lint', '--json')).stdout) as LintReport
    expect(report.notAnalysed).toMatchObject([{ file: 'migrations/001_a.sql', line: null }])
    expect(report.notices.map(({ rule }) => rule)).toContain('tenants-not-read')
  })

  test('one file that does not parse stops no other', async () => {
    await writeProject({ ...unsafe, '003_broken.sql': 'SELECT 1;\n\tALTER TABEL orders;' })
    const { code, stdout } = await run('lint')
    expect(code).toBe(3)
    expect(stdout).toContain('✖ migrations/003_broken.sql:2:8  syntax-error')
    expect(stdout).toContain('    2 | \tALTER TABEL orders;\n      | \t      ^')
    expect(stdout).toContain('add-not-null-without-default')
  })
})

describe('code', () => {
  const knex = { migrations: { dir: './migrations', format: 'knex' } }

  test('an undo that is missing or empty, and what cannot be seen', async () => {
    await mkdir(join(root, 'node_modules'))
    await symlink(resolve('node_modules/knex'), join(root, 'node_modules/knex'))
    await writeProject(
      {
        '001_full.cjs': 'exports.up = (knex) => knex.raw("x")\nexports.down = (knex) => knex.raw("y")',
        '002_empty.cjs': 'exports.up = (knex) => knex.raw("x")\nexports.down = async () => {}',
        '003_none.cjs': 'exports.up = (knex) => knex.raw("x")',
        '004_said.cjs': '// tenantry:ignore missing-undo because mails were sent\nexports.up = (knex) => knex.raw("x")',
        '005_broken.cjs': 'throw new Error("no such thing")',
      },
      knex,
    )
    await rm(join(root, 'migrations/rollbacks'), { recursive: true })
    const report = JSON.parse((await run('lint', '--json')).stdout) as LintReport
    expect(report.findings.map(({ rule, message }) => `${rule}: ${message}`)).toEqual([
      'missing-undo: the undo of 002_empty does nothing',
      'missing-undo: 003_none has no undo',
      expect.stringMatching(/^cannot-run: .*no such thing/),
    ])
    expect(report.ignored).toMatchObject([{ rule: 'missing-undo', reason: 'mails were sent' }])
    expect(report.notAnalysed).toHaveLength(5)
  })
})

describe('formats', () => {
  test('JSON, as the contract has it', async () => {
    await writeProject(unsafe)
    const report = JSON.parse((await run('lint', '--json')).stdout)
    expect(JSON.parse((await run('lint', '--format', 'json')).stdout).findings).toEqual(report.findings)
    expect(report).toMatchObject({ command: 'lint', ok: false })
    expect(report.findings[0]).toMatchObject({
      rule: 'add-not-null-without-default',
      severity: 'error',
      file: 'migrations/002_order_note.sql',
      line: 1,
      lock: 'ACCESS EXCLUSIVE',
      rewrite: expect.stringContaining('ADD COLUMN note text;'),
    })
  })

  test('annotations for GitHub, with paths from the top of the repository', async () => {
    await writeProject({ '001_a, b: 100%.sql': 'DROP TABLE x;', 'rollbacks/001_a, b: 100%.sql': 'SELECT 1;' })
    const { stdout } = await run('lint', '--format', 'github')
    const folder = root.split('/').at(-1)
    expect(stdout.split('\n')[0]).toMatch(
      new RegExp(
        `^::error file=${folder}/migrations/001_a%2C b%3A 100%25.sql,line=1,col=1,title=drop-table::table x is dropped`,
      ),
    )
    expect(stdout.split('\n')[0]).toContain('%0Alock: ACCESS EXCLUSIVE%0Awhy: ')
  })

  test('SARIF 2.1.0', async () => {
    await writeProject({
      ...unsafe,
      '003_gone öd.sql': '-- tenantry:ignore drop-table because it was never used\nDROP TABLE x;\nDO $$ BEGIN END $$;',
    })
    const { code, stdout } = await run('lint', '--format', 'sarif')
    expect(code).toBe(3)
    const sarif = JSON.parse(stdout)
    expect(sarif.version).toBe('2.1.0')
    expect(sarif.runs).toHaveLength(1)
    const [{ tool, results, invocations, originalUriBaseIds, columnKind }] = sarif.runs
    expect(columnKind).toBe('unicodeCodePoints')
    expect(originalUriBaseIds.ROOT.uri).toMatch(/^file:\/\/\/.*\/$/)
    const ids = tool.driver.rules.map(({ id }: { id: string }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    for (const result of results) {
      expect(ids[result.ruleIndex]).toBe(result.ruleId)
      expect(['error', 'warning', 'note']).toContain(result.level)
      expect(result.message.text.length).toBeGreaterThan(5)
      const { artifactLocation, region } = result.locations[0].physicalLocation
      // A URI reference that no base may climb out of.
      expect(new URL(artifactLocation.uri, 'file:///top/').href).toBe(`file:///top/${artifactLocation.uri}`)
      expect(artifactLocation.uriBaseId).toBe('ROOT')
      expect(region.startLine).toBeGreaterThan(0)
      expect(region.startColumn).toBeGreaterThan(0)
      expect(result.partialFingerprints['tenantry/v1']).toMatch(/^[0-9a-f]{32}$/)
    }
    const prints = results.map((one: { partialFingerprints: object }) => JSON.stringify(one.partialFingerprints))
    expect(new Set(prints).size).toBe(prints.length)
    const suppressed = results.filter((one: object) => 'suppressions' in one)
    expect(suppressed).toMatchObject([
      { ruleId: 'drop-table', suppressions: [{ kind: 'inSource', justification: 'it was never used' }] },
    ])
    expect(invocations[0].toolExecutionNotifications[0].message.text).toContain('a DO block')
  })

  test('no secret is shown', async () => {
    await writeProject(
      { '001_role.sql': "CREATE ROLE app PASSWORD 'hunter2x';\nALTER TABLE SECRETNAME DROP COLUMN a;" },
      { migrations: { dir: './migrations', placeholders: { SECRETNAME: 'very_private' } } },
    )
    for (const argv of [
      ['lint', '--verbose'],
      ['lint', '--json'],
      ['lint', '--format', 'sarif'],
      ['lint', '--format', 'github'],
    ]) {
      const { stdout, stderr } = await run(...argv)
      expect(`${stdout}${stderr}`).not.toMatch(/hunter2x|s3cret-word/)
      expect(stdout).toContain('SECRETNAME')
    }
  })
})

describe('squawk', () => {
  test('adds what we do not find, once, and is waived in the same way', async () => {
    await installSquawk()
    await writeProject({
      ...unsafe,
      '003_chars.sql': 'CREATE TABLE IF NOT EXISTS codes (code char(3));',
      '004_chars.sql':
        '-- tenantry:ignore squawk/ban-char-field because a standard says so\nCREATE TABLE IF NOT EXISTS more_codes (code char(3));',
    })
    const report = JSON.parse((await run('lint', '--json')).stdout) as LintReport
    expect(report.notices).toEqual([])
    const squawk = report.findings.filter(({ rule }) => rule.startsWith('squawk/'))
    expect(squawk).toMatchObject([
      { rule: 'squawk/ban-char-field', file: 'migrations/003_chars.sql', line: 1, statement: 1, severity: 'info' },
    ])
    expect(report.ignored.map(({ rule }) => rule)).toEqual(['squawk/ban-char-field'])
    expect(report.findings.filter(({ file, line }) => file.includes('002_') && line === 2)).toHaveLength(1)
  })

  test('one that cannot be run is said, and our own rules speak', async () => {
    await mkdir(join(root, 'node_modules/squawk-cli'), { recursive: true })
    await writeFile(
      join(root, 'node_modules/squawk-cli/package.json'),
      '{"name":"squawk-cli","bin":{"squawk":"no.js"}}',
    )
    await writeProject(unsafe)
    const { code, stdout } = await run('lint')
    expect(code).toBe(3)
    expect(stdout).toContain('squawk could not be run')
    expect(stdout).toContain('index-blocks-writes')
  })

  test('it is not asked where the config says so', async () => {
    await writeProject(clean, { lint: { squawk: false } })
    expect((await run('lint')).stdout).not.toContain('squawk')
  })
})
