import type { LintFinding } from '../../model/lint.ts'
import type { Migration } from '../../model/migration.ts'
import { changedAfterApplied } from './rules/about-findings.ts'

/** A migration whose file is not what some targets have applied, as their histories say. */
export interface ChangedMigration {
  set: string
  migration: string
  /** Names of the targets, sorted. */
  targets: readonly string[]
}

/** One finding for each migration that was edited after it had been applied somewhere. */
export function judgeChanged(
  changed: readonly ChangedMigration[],
  sets: readonly { name: string; migrations: readonly Migration[] }[],
): LintFinding[] {
  return changed.flatMap(({ set, migration: id, targets }) => {
    const migration = sets.find(({ name }) => name === set)?.migrations.find((one) => one.id === id)
    if (migration === undefined || targets.length === 0) return []
    const [first = '', ...others] = targets
    const where = others.length === 0 ? first : `${first} and ${others.length} more`
    const { id: rule, severity, why, instead } = changedAfterApplied
    return [
      {
        rule,
        severity,
        file: migration.up.file,
        line: 1,
        column: 1,
        message: `${id} is not what was applied in ${where}`,
        why,
        lock: null,
        rewrite: instead,
        migration: id,
        set,
        direction: 'up' as const,
        statement: null,
        excerpt: null,
        table: null,
        cost: null,
      },
    ]
  })
}
