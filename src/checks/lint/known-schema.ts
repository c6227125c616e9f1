import type { ColumnFacts, ConstraintFact, StatementFact } from '../../model/statement-facts.ts'
import { keyOf } from './rule.ts'

/** What the migrations read so far have made, as far as it can be told from them. Names are lower case. */
export interface KnownSchema {
  /** Table → column → type. */
  tables: Map<string, Map<string, string>>
  /** `table.constraint` → what it says; `valid`: every row has been looked at. */
  constraints: Map<string, { assuresNotNull: string | null; valid: boolean }>
  /** Types, and `table.column` of columns that are enums themselves. */
  enums: Map<string, readonly string[]>
}

export function emptySchema(): KnownSchema {
  return { tables: new Map(), constraints: new Map(), enums: new Map() }
}

/** Is there a valid check that no row has NULL in this column? */
export function isProvenNotNull(known: KnownSchema, table: string, column: string): boolean {
  const prefix = `${table}.`
  for (const [key, { assuresNotNull, valid }] of known.constraints) {
    if (valid && key.startsWith(prefix) && assuresNotNull === column.toLowerCase()) return true
  }
  return false
}

const labelsIn = /^enum\((.*)\)$/i

function learnColumn(known: KnownSchema, table: string, { name, type }: ColumnFacts): void {
  const columns = known.tables.get(table) ?? new Map<string, string>()
  known.tables.set(table, columns.set(name.toLowerCase(), type))
  const labels = labelsIn.exec(type)?.[1]
  if (labels !== undefined) {
    const words = [...labels.matchAll(/'((?:[^']|'')*)'/g)].map(([, label = '']) => label)
    known.enums.set(`${table}.${name.toLowerCase()}`, words)
  }
}

function learnConstraint(known: KnownSchema, table: string, constraint: Omit<ConstraintFact, 'kind' | 'table'>): void {
  const name = constraint.name ?? `#${known.constraints.size}`
  known.constraints.set(`${table}.${name}`, {
    assuresNotNull: constraint.assuresNotNull?.toLowerCase() ?? null,
    valid: !constraint.notValid,
  })
}

function forgetTable(known: KnownSchema, table: string): void {
  known.tables.delete(table)
  for (const key of known.constraints.keys()) if (key.startsWith(`${table}.`)) known.constraints.delete(key)
}

/** Takes in what one fact makes, changes or takes away. */
export function learn(known: KnownSchema, fact: StatementFact): void {
  switch (fact.kind) {
    case 'create-table': {
      const table = keyOf(fact.table)
      if (!known.tables.has(table)) known.tables.set(table, new Map())
      for (const column of fact.columns ?? []) learnColumn(known, table, column)
      for (const constraint of fact.constraints) learnConstraint(known, table, constraint)
      return
    }
    case 'add-column':
      learnColumn(known, keyOf(fact.table), fact.column)
      return
    case 'drop-table':
      forgetTable(known, keyOf(fact.table))
      return
    case 'drop-column':
      known.tables.get(keyOf(fact.table))?.delete(fact.column.toLowerCase())
      return
    case 'change-type':
      known.tables.get(keyOf(fact.table))?.set(fact.column.toLowerCase(), fact.type)
      return
    case 'rename-column': {
      const columns = known.tables.get(keyOf(fact.table))
      const type = columns?.get(fact.column.toLowerCase())
      columns?.delete(fact.column.toLowerCase())
      if (type !== undefined) columns?.set(fact.to.toLowerCase(), type)
      return
    }
    case 'rename-table': {
      const columns = known.tables.get(keyOf(fact.table))
      forgetTable(known, keyOf(fact.table))
      if (columns !== undefined) known.tables.set(keyOf({ ...fact.table, name: fact.to }), columns)
      return
    }
    case 'add-constraint':
      learnConstraint(known, keyOf(fact.table), fact)
      return
    case 'validate-constraint': {
      const constraint = known.constraints.get(`${keyOf(fact.table)}.${fact.constraint}`)
      if (constraint !== undefined) constraint.valid = true
      return
    }
    case 'drop-constraint':
      known.constraints.delete(`${keyOf(fact.table)}.${fact.constraint}`)
      return
    case 'create-enum':
      known.enums.set(fact.type.toLowerCase(), fact.labels)
      return
    case 'rename-type': {
      const labels = known.enums.get(fact.type.toLowerCase())
      known.enums.delete(fact.type.toLowerCase())
      if (labels !== undefined) known.enums.set(fact.to.toLowerCase(), labels)
      return
    }
    case 'set-enum-labels':
      known.enums.set(`${keyOf(fact.table)}.${fact.column.toLowerCase()}`, fact.labels)
      return
    case 'add-enum-label': {
      const labels = known.enums.get(fact.type.toLowerCase()) ?? []
      known.enums.set(fact.type.toLowerCase(), [...labels, fact.label])
      return
    }
    default:
      return
  }
}
