import { judgeFile, type LintState } from '../../src/checks/lint/judge.ts'
import { emptySchema } from '../../src/checks/lint/known-schema.ts'
import { readSet } from '../../src/checks/lint/read-set.ts'
import type { LintSettings } from '../../src/checks/lint/rule.ts'
import type { Dialect } from '../../src/model/dialect.ts'
import type { LintFinding } from '../../src/model/lint.ts'
import type { Migration, MigrationPhase } from '../../src/model/migration.ts'
import type { Fleet, LoadedSet } from '../../src/rollout/fleet.ts'

/** A migration as a test writes it. `undo` absent: there is one; null: there is none. */
export interface LintedText {
  id: string
  sql: string
  undo?: string | null | undefined
}

export interface LintedTexts {
  findings: LintFinding[]
  ignored: (LintFinding & { reason: string })[]
  notAnalysed: readonly { file: string; line: number | null; reason: string }[]
}

function phaseOf(sql: string): MigrationPhase | undefined {
  const [, kind, change] = /tenantry:phase (expand|migrate|contract) of (\S+)/.exec(sql) ?? []
  return kind === undefined || change === undefined ? undefined : { kind: kind as MigrationPhase['kind'], change }
}

function toMigration({ id, sql, undo = 'SELECT 1;' }: LintedText): Migration {
  const phase = phaseOf(sql)
  return {
    id,
    number: null,
    checksum: '',
    otherChecksums: [],
    description: null,
    keys: [id],
    up: { kind: 'sql', file: `${id}.sql`, text: sql },
    down: undo === null ? null : { kind: 'sql', file: `rollbacks/${id}.sql`, text: undo },
    transaction: 'auto',
    ...(phase !== undefined && { phase }),
  }
}

/** Applies every rule to these texts, in order, without a project. */
export async function lintTexts(
  dialect: Dialect,
  texts: readonly LintedText[],
  settings: Partial<LintSettings> = {},
): Promise<LintedTexts> {
  const all: LintSettings = {
    schemaTargets: false,
    sharedColumn: null,
    sharedExcept: [],
    tenants: new Set(),
    pgVersion: null,
    keepsRows: dialect.facts.keepsRows,
    grammar: dialect.facts.grammar,
    ...settings,
  }
  const set = { config: { name: 'tenant' }, migrations: texts.map(toMigration) } as unknown as LoadedSet
  const fleet = { config: { root: '/', sharedSchema: 'public' } } as unknown as Fleet
  const { files, notAnalysed } = await readSet(fleet, set, dialect, all, () => true)
  const state: LintState = { known: emptySchema(), phases: [] }
  const result: LintedTexts = { findings: [], ignored: [], notAnalysed }
  for (const file of files) {
    const { kept, ignored } = judgeFile(file, state, all)
    result.findings.push(...kept)
    result.ignored.push(...ignored)
  }
  return result
}
