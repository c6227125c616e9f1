import type { ObjectName } from '../../model/statement-facts.ts'
import { quoteIdentifier } from './quote.ts'

/** Words that a name must be quoted to be: reserved ones of PostgreSQL 18, SQL Key Words (appendix C). */
const reserved = new Set(
  `all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation column
  concurrently constraint create cross current_catalog current_date current_role current_schema current_time
  current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign freeze from
  full grant group having ilike in initially inner intersect into is isnull join lateral leading left like limit localtime
  localtimestamp natural not notnull null offset on only or order outer overlaps placing primary references returning right
  select session_user similar some symmetric system_user table tablesample then to trailing true union unique user using
  variadic verbose when where window with`.split(/\s+/),
)

/** A name for people: quoted where it has to be. */
export function show(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) && !reserved.has(name) ? name : quoteIdentifier(name)
}

export function showName({ schema, name }: ObjectName): string {
  return schema === null ? show(name) : `${show(schema)}.${show(name)}`
}

const later = '-- in a migration of its own, since it must not wait in the same transaction:'

/** Names of a team's own types keep their capitals; those of the server have none. */
function spell(type: string): string {
  return /[A-Z]/.test(type) ? type.replace(/^[^([]+/, (name) => name.split('.').map(show).join('.')) : type
}

/** The safe way to the same end, by what a statement does. */
export const rewrites = {
  addNotNull(table: ObjectName, column: string, type: string): string {
    const [t, c] = [showName(table), show(column)]
    return [
      `ALTER TABLE ${t} ADD COLUMN ${c} ${spell(type)};  -- or NOT NULL with a constant DEFAULT`,
      '-- fill it in batches, while releases write it; then, in later migrations:',
      ...notNullSteps(table, column),
    ].join('\n')
  },
  setNotNull(table: ObjectName, column: string): string {
    return notNullSteps(table, column).join('\n')
  },
  volatileDefault(table: ObjectName, column: string, type: string): string {
    const [t, c] = [showName(table), show(column)]
    return [
      `ALTER TABLE ${t} ADD COLUMN ${c} ${spell(type)};`,
      `ALTER TABLE ${t} ALTER COLUMN ${c} SET DEFAULT …;  -- new rows only`,
      '-- then fill the old rows in batches',
    ].join('\n')
  },
  sequenceColumn(table: ObjectName, column: string, type: string): string {
    const [t, c] = [showName(table), show(column)]
    const plain = type.replace(/^(big|small)?serial\d?$/, (_, size = '') => (size === '' ? 'integer' : `${size}int`))
    return [
      `CREATE SEQUENCE ${show(`${table.name}_${column}_seq`)} OWNED BY NONE;`,
      `ALTER TABLE ${t} ADD COLUMN ${c} ${plain};`,
      `ALTER TABLE ${t} ALTER COLUMN ${c} SET DEFAULT nextval('${table.name}_${column}_seq');`,
      '-- then fill the old rows in batches',
    ].join('\n')
  },
  storedColumn(table: ObjectName, column: string, type: string): string {
    const [t, c] = [showName(table), show(column)]
    return [
      `ALTER TABLE ${t} ADD COLUMN ${c} ${spell(type)};`,
      '-- a trigger that fills it in new and changed rows, then the old rows in batches;',
      '-- or VIRTUAL instead of STORED (PostgreSQL 18), which writes no row',
    ].join('\n')
  },
  changeType(table: ObjectName, column: string, type: string): string {
    const [t, c, n] = [showName(table), show(column), show(`${column}_new`)]
    return [
      `ALTER TABLE ${t} ADD COLUMN ${n} ${spell(type)};`,
      `-- releases write both, a batched change fills ${n}, releases read ${n}; then ${c} is dropped in a`,
      '-- migration with `-- tenantry:phase contract of …`',
    ].join('\n')
  },
  index(table: ObjectName, unique: boolean, name: string | null, rest: string): string {
    return `CREATE ${unique ? 'UNIQUE ' : ''}INDEX CONCURRENTLY IF NOT EXISTS ${show(name ?? `${table.name}_idx`)} ON ${showName(table)} ${rest};`
  },
  dropIndex(index: ObjectName): string {
    return `DROP INDEX CONCURRENTLY IF EXISTS ${showName(index)};`
  },
  /** No server takes one over from an index, or leaves it unchecked at first. */
  exclusion(): string {
    return '-- its index cannot be built beforehand: a new table with the constraint, filled in batches; or, where rows\n-- are few, as it is, with a short lock_timeout'
  },
  uniqueConstraint(table: ObjectName, name: string, columns: readonly string[], primary: boolean): string {
    const [t, index] = [showName(table), show(`${name}_idx`)]
    return [
      `CREATE UNIQUE INDEX CONCURRENTLY ${index} ON ${t} (${columns.map(show).join(', ') || '…'});`,
      `ALTER TABLE ${t} ADD CONSTRAINT ${show(name)} ${primary ? 'PRIMARY KEY' : 'UNIQUE'} USING INDEX ${index};`,
    ].join('\n')
  },
  notValid(table: ObjectName, name: string, definition: string): string {
    const t = showName(table)
    return [
      `ALTER TABLE ${t} ADD CONSTRAINT ${show(name)} ${definition} NOT VALID;`,
      later,
      `ALTER TABLE ${t} VALIDATE CONSTRAINT ${show(name)};`,
    ].join('\n')
  },
  renameTable(table: ObjectName, to: string): string {
    const view = showName(table)
    return [
      `ALTER TABLE ${view} RENAME TO ${show(to)};`,
      `CREATE VIEW ${view} AS SELECT * FROM ${showName({ ...table, name: to })};`,
      '-- drop the view in a later migration, when no release names it any more',
    ].join('\n')
  },
  renameColumn(table: ObjectName, column: string, to: string): string {
    const t = showName(table)
    return [
      '-- tenantry:phase expand of …',
      `ALTER TABLE ${t} ADD COLUMN ${show(to)} …;  -- the type of ${show(column)}; releases write both`,
      '-- fill it in batches (phase migrate), let releases read it; then, with `-- tenantry:phase contract of …`:',
      `ALTER TABLE ${t} DROP COLUMN ${show(column)};`,
    ].join('\n')
  },
} as const

function notNullSteps(table: ObjectName, column: string): string[] {
  const [t, c, name] = [showName(table), show(column), show(`${table.name}_${column}_not_null`)]
  return [
    `ALTER TABLE ${t} ADD CONSTRAINT ${name} CHECK (${c} IS NOT NULL) NOT VALID;`,
    later,
    `ALTER TABLE ${t} VALIDATE CONSTRAINT ${name};`,
    `ALTER TABLE ${t} ALTER COLUMN ${c} SET NOT NULL;  -- the valid check spares the scan`,
    `ALTER TABLE ${t} DROP CONSTRAINT ${name};`,
  ]
}
