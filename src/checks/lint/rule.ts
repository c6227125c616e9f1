import type { LintSeverity } from '../../model/lint.ts'
import type { MigrationPhase } from '../../model/migration.ts'
import type { DialectName } from '../../model/server.ts'
import type { FileFacts, ObjectName, StatementFact, StatementFacts, StepCost } from '../../model/statement-facts.ts'
import type { KnownSchema } from './known-schema.ts'

/** What rules must know about the fleet and its servers. */
export interface LintSettings {
  /** Some targets of the set are schemas of their own. */
  schemaTargets: boolean
  /** Column that says whose row it is, where some targets of the set are shared; null: none is, or it is not asked. */
  sharedColumn: string | null
  /** Tables that need no such column. */
  sharedExcept: readonly string[]
  /** Ids and slugs of tenants, as far as they are known without a server. */
  tenants: ReadonlySet<string>
  /** Major version of the oldest PostgreSQL server; null: not known. */
  pgVersion: number | null
  keepsRows: (from: string, to: string) => boolean | null
  grammar: string
}

/** One body of a migration, with what is known about it. */
export interface LintedFile {
  set: string
  migration: string
  /** For messages: relative to the project. */
  file: string
  direction: 'up' | 'down'
  /** null: it is code. */
  text: string | null
  facts: FileFacts
  /** What the file says about itself. */
  phase: MigrationPhase | null
  /** `absent`: there is no undo; `empty`: it does nothing; `unknown`: it could not be looked at. */
  undo: 'present' | 'absent' | 'empty' | 'unknown'
  /** What makes it impossible to run, as `plan` says it. */
  problems: readonly { rule?: string; message: string; hint?: string; line?: number; column?: number }[]
}

/** What a rule has to say about one place. */
export interface Verdict {
  message: string
  /** Default: the rule's. */
  severity?: LintSeverity
  /** Default: where the fact is. */
  at?: { line: number; column: number }
  statement?: number | null
  /** Default: the fact's. */
  rewrite?: string | null
  /** Default: the fact's where it has one. null: the lock does not matter here. */
  cost?: StepCost | null
}

export interface FactContext {
  statement: StatementFacts
  file: LintedFile
  /** What the migrations before this statement have made, by tables and names. */
  known: KnownSchema
  /** Tables that this very file has made so far: nobody waits for them. */
  created: ReadonlySet<string>
  /** Marks of earlier migrations of the set. */
  phases: readonly MigrationPhase[]
  settings: LintSettings
}

/** A migration of an example: its SQL, and the lock it takes. */
export interface ExampleStep {
  sql: string
  /** Strongest lock it takes on this table (as `pg_locks` names it, with spaces), and how long it is needed. */
  lock?: { table: string; mode: string; work: StepCost['work'] }
  /** Default: a plain one. */
  name?: string
  /** Default: there is one. `null`: there is none. */
  undo?: string | null
}

/**
 * Bad and good, to be read and to be run: `setup` makes what is there before, each step is a migration of its own.
 * `settings`: what must be known for the rule to speak.
 */
export interface RuleExample {
  dialect: DialectName
  setup: string
  /** What somebody else has made, before: SQL that is no migration. */
  outside?: string
  bad: readonly ExampleStep[]
  good: readonly ExampleStep[]
  settings?: Partial<Pick<LintSettings, 'schemaTargets' | 'sharedColumn' | 'pgVersion'>>
}

/** One rule. Pure: it is given facts, and knows no SQL. */
export interface Rule {
  id: string
  /** What it finds: `An index build that blocks writes`. */
  title: string
  severity: LintSeverity
  /** What happens if nothing is done, in a sentence or two. */
  why: string
  /** What to do instead. */
  instead: string
  /** What it does to all rows of a table, where no lock on the table says so. */
  work?: StepCost['work']
  /** Also where migrations are undone. Absent: only where they are applied. */
  both?: true
  examples: readonly RuleExample[]
  judgeFact?(fact: StatementFact, context: FactContext): Verdict | null
  judgeFile?(file: LintedFile, context: Omit<FactContext, 'statement'>): readonly Verdict[]
}

export function keyOf({ schema, name }: ObjectName): string {
  return (schema === null ? name : `${schema}.${name}`).toLowerCase()
}

export function show({ schema, name }: ObjectName): string {
  return schema === null ? name : `${schema}.${name}`
}

/** Somebody else is kept out of a table that may hold many rows, for as long as those take. */
export function blocksLong(cost: StepCost): boolean {
  return cost.blocks !== 'nothing' && cost.work !== 'moment'
}

/** `while all rows are read`. */
export function describeWork({ blocks, work }: StepCost): string {
  const whom =
    blocks === 'everything' ? 'nobody can read or write' : blocks === 'writes' ? 'nobody can write' : 'others go on'
  const what = {
    moment: 'for a moment',
    scan: 'while every row is read',
    build: 'while the index is built',
    rewrite: 'while the whole table is written again',
  }
  return `${whom} ${what[work]}`
}
