import type { ConstraintFact, ConstraintType, ObjectName, StepCost } from '../../model/statement-facts.ts'
import { nameOfRelation } from './facts-columns.ts'
import { costs } from './facts-costs.ts'
import { rewrites } from './facts-rewrites.ts'
import { branch, branches, nameParts, type Tree, word } from './tree.ts'

const types: Record<string, ConstraintType> = {
  CONSTR_PRIMARY: 'primary-key',
  CONSTR_UNIQUE: 'unique',
  CONSTR_EXCLUSION: 'exclusion',
  CONSTR_FOREIGN: 'foreign-key',
  CONSTR_CHECK: 'check',
  CONSTR_NOTNULL: 'not-null',
}

/** Text of the file between two bytes. */
export type Slice = (start: number, end: number) => string

/** The column of `CHECK (c IS NOT NULL)`; null: it says something else. */
function assuredColumn(constraint: Tree): string | null {
  if (word(constraint, 'contype') === 'CONSTR_NOTNULL') return nameParts(branches(constraint, 'keys'))[0] ?? null
  const test = branch(branch(constraint, 'raw_expr'), 'NullTest')
  if (word(test, 'nulltesttype') !== 'IS_NOT_NULL') return null
  const fields = branches(branch(branch(test, 'arg'), 'ColumnRef'), 'fields')
  return nameParts(fields).at(-1) ?? null
}

function costOf(type: ConstraintType, notValid: boolean, usesIndex: boolean): StepCost {
  if (usesIndex) return costs.brief
  if (type === 'foreign-key') return notValid ? costs.foreignKeyLater : costs.foreignKey
  if (type === 'check' || type === 'not-null') return notValid ? costs.brief : costs.scanAll
  return costs.buildAll
}

/** What tells a constraint's name when none is written, as PostgreSQL makes it up. */
const suffixes: Record<ConstraintType, string> = {
  'primary-key': 'pkey',
  unique: 'key',
  exclusion: 'excl',
  'foreign-key': 'fkey',
  check: 'check',
  'not-null': 'not_null',
}

/**
 * A constraint that a table gets; null: it is none (a default, an identity). `column`: the one that it is written with.
 * @param definition its text, without a name
 */
export function readConstraint(
  constraint: Tree,
  table: ObjectName,
  column: string | null,
  definition: string,
): ConstraintFact | null {
  const type = types[word(constraint, 'contype') ?? '']
  if (type === undefined || (type === 'not-null' && column !== null)) return null
  const usesIndex = word(constraint, 'indexname') !== null
  const notValid = constraint.skip_validation === true
  const name = word(constraint, 'conname')
  const key = nameParts(branches(constraint, type === 'foreign-key' ? 'fk_attrs' : 'keys'))
  const columns = key.length > 0 || column === null ? key : [column]
  const fact: ConstraintFact = {
    kind: 'add-constraint',
    table,
    name,
    type,
    columns,
    references: type === 'foreign-key' ? nameOfRelation(branch(constraint, 'pktable')) : null,
    notValid,
    assuresNotNull: assuredColumn(constraint),
    cost: costOf(type, notValid, usesIndex),
  }
  const shown = name ?? [table.name, ...columns, suffixes[type]].join('_')
  const rewrite = writeRewrite(fact, shown, definition, usesIndex)
  return rewrite === null ? fact : { ...fact, rewrite }
}

function writeRewrite(fact: ConstraintFact, name: string, definition: string, usesIndex: boolean): string | null {
  const { type, table, columns, notValid } = fact
  if (usesIndex) return null
  if (type === 'exclusion') return rewrites.exclusion()
  if (type === 'unique' || type === 'primary-key') {
    return rewrites.uniqueConstraint(table, name, columns, type === 'primary-key')
  }
  return notValid ? null : rewrites.notValid(table, name, definition)
}

/** Text of a constraint from its place to the next one's, without `CONSTRAINT name` in front. */
export function definitionOf(slice: Slice, start: number, end: number): string {
  return slice(start, end)
    .replace(/--[^\n]*/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/^constraint\s+(?:"(?:[^"]|"")*"|\S+)\s+/i, '')
    .replace(/[,;\s]+$/, '')
}
