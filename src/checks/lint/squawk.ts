import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { LintFinding, LintSeverity } from '../../model/lint.ts'
import type { Notice } from '../../model/migration.ts'
import type { LintedFile } from './rule.ts'

/** Longest that it may take, for all files together. */
const mostMs = 60_000

/** What a rule of ours finds, too, or tenantry does itself (time-outs, transactions): not said twice. */
const ours = new Set([
  'adding-field-with-default',
  'adding-foreign-key-constraint',
  'adding-not-nullable-field',
  'adding-required-field',
  'adding-serial-primary-key-field',
  'ban-concurrent-index-creation-in-transaction',
  'ban-drop-column',
  'ban-drop-table',
  'ban-truncate-cascade',
  'ban-uncommitted-transaction',
  'changing-column-type',
  'constraint-missing-not-valid',
  'disallowed-unique-constraint',
  'prefer-robust-stmts',
  'renaming-column',
  'renaming-table',
  'require-concurrent-index-creation',
  'require-concurrent-index-deletion',
  'require-concurrent-reindex',
  'require-lock-timeout',
  'require-statement-timeout',
  'require-timeout-settings',
  'syntax-error',
  'transaction-nesting',
])

/** What it would rather see, without any harm in the rest. */
const preference = /^(?:prefer-|ban-char-field|require-table-schema|require-enum-value-ordering|unused-ignore)/

interface Reported {
  file: string
  /** 0-based. */
  line: number
  column: number
  level: string
  message: string
  help: string | null
  rule_name: string
}

function isReported(value: unknown): value is Reported {
  const one = value as Partial<Reported> | null
  return typeof one?.file === 'string' && typeof one.line === 'number' && typeof one.rule_name === 'string'
}

export interface SquawkResult {
  /** Findings in a text, by its place in the list; places are told as findings once it is known what stands there. */
  findIn(index: number, file: LintedFile): LintFinding[]
  notices: readonly Notice[]
}

/** The program that `npm i -D squawk-cli` puts into a project; null: it is not there. */
async function findProgram(folders: readonly string[]): Promise<string | null> {
  for (const folder of folders) {
    try {
      const manifest = createRequire(join(folder, 'any.js')).resolve('squawk-cli/package.json')
      const { bin } = JSON.parse(await readFile(manifest, 'utf8')) as { bin?: string | Record<string, string> }
      const path = typeof bin === 'string' ? bin : bin?.squawk
      if (path !== undefined) return join(dirname(manifest), path)
    } catch {
      // Not there; the next folder may have it.
    }
  }
  return null
}

/**
 * What squawk finds in SQL texts and our own rules do not. It is run once for all of them, on copies of their texts, so
 * that placeholders are filled in. Never throws: without it, or where it fails, a notice says so.
 */
export async function runSquawk(
  texts: readonly string[],
  root: string,
  pgVersion: number | null,
): Promise<SquawkResult> {
  const none = (notice: Notice): SquawkResult => ({ findIn: () => [], notices: [notice] })
  if (texts.length === 0) return { findIn: () => [], notices: [] }
  const program = await findProgram([root])
  if (program === null) {
    return none({
      rule: 'squawk-missing',
      message: "squawk is not installed in this project: its rules were not applied, tenantry's own were.",
      hint: 'npm install --save-dev squawk-cli (or `lint: { squawk: false }` in the config)',
    })
  }
  let dir: string | null = null
  try {
    dir = await mkdtemp(join(tmpdir(), 'tenantry-lint-'))
    const place = dir
    await Promise.all(texts.map((text, i) => writeFile(join(place, `${i}.sql`), text)))
    const reported = sortOut(await run(program, texts.length, place, root, pgVersion))
    return { findIn: (index, file) => (reported.get(index) ?? []).map((one) => toFinding(one, file)), notices: [] }
  } catch (error) {
    return none({
      rule: 'squawk-failed',
      message: `squawk could not be run (${error instanceof Error ? error.message.split('\n')[0] : String(error)}): its rules were not applied.`,
      hint: 'try `npx squawk --version` in the project',
    })
  } finally {
    if (dir !== null) await rm(dir, { recursive: true, force: true })
  }
}

async function run(
  program: string,
  count: number,
  dir: string,
  root: string,
  pgVersion: number | null,
): Promise<Reported[]> {
  const config = join(root, '.squawk.toml')
  const hasConfig = await readFile(config).then(
    () => true,
    () => false,
  )
  const args = [
    program,
    '--reporter=json',
    ...(pgVersion === null ? [] : [`--pg-version=${pgVersion}.0`]),
    ...(hasConfig ? ['--config', config] : []),
    ...Array.from({ length: count }, (_, i) => `${i}.sql`),
  ]
  const output = await new Promise<string>((resolve, reject) => {
    execFile(
      process.execPath,
      args,
      { cwd: dir, timeout: mostMs, maxBuffer: 256 * 1024 * 1024 },
      // It ends with 1 where it finds something.
      (error, stdout, stderr) =>
        stdout.trimStart().startsWith('[') ? resolve(stdout) : reject(error ?? new Error(stderr || 'it said nothing')),
    )
  })
  const parsed: unknown = JSON.parse(output)
  return Array.isArray(parsed) ? parsed.filter(isReported) : []
}

function sortOut(reported: readonly Reported[]): Map<number, Reported[]> {
  const found = new Map<number, Reported[]>()
  for (const one of reported) {
    const index = Number(/(\d+)\.sql$/.exec(one.file)?.[1])
    if (ours.has(one.rule_name)) continue
    found.set(index, [...(found.get(index) ?? []), one])
  }
  return found
}

function severityOf({ rule_name: rule, level }: Reported): LintSeverity {
  if (preference.test(rule)) return 'info'
  return level.toLowerCase() === 'error' ? 'error' : 'warning'
}

function toFinding(one: Reported, file: LintedFile): LintFinding {
  const line = one.line + 1
  const column = one.column + 1
  const statement = file.facts.statements.findLast(
    (own) => own.line < line || (own.line === line && own.column <= column),
  )
  return {
    rule: `squawk/${one.rule_name}`,
    severity: severityOf(one),
    file: file.file,
    line,
    column,
    message: one.message,
    why: null,
    lock: null,
    rewrite: one.help,
    migration: file.migration,
    set: file.set,
    direction: file.direction,
    statement: statement?.index ?? null,
    excerpt: file.text?.split('\n', line)[line - 1]?.replace(/\r$/, '') ?? null,
    table: null,
    cost: null,
  }
}
