import { type Name, showName } from './probe-reader.ts'
import type { Check } from './probe-verdict.ts'
import { quoteLiteral } from './quote.ts'

/** SQL for the database of a name. */
export function databaseOf({ schema }: Name): string {
  return schema === null ? 'DATABASE()' : quoteLiteral(schema)
}

/**
 * A condition on a name of a table: `information_schema` compares without case, the server only where the file system
 * does (`lower_case_table_names`).
 */
export function isTable(column: string, name: string): string {
  const text = quoteLiteral(name)
  return `(${column} = ${text} AND (@@lower_case_table_names <> 0 OR BINARY ${column} = ${text}))`
}

/** Rows of a view of `information_schema` that belong to a table. */
export function ofTable(view: string, table: Name, where = '1'): string {
  return `FROM information_schema.${view} WHERE TABLE_SCHEMA = ${databaseOf(table)} AND ${isTable('TABLE_NAME', table.name)} AND ${where}`
}

export function tableExists(table: Name, where = '1'): string {
  return `EXISTS (SELECT 1 ${ofTable('TABLES', table, where)})`
}

export function columnExists(table: Name, column: string): string {
  return `EXISTS (SELECT 1 ${ofTable('COLUMNS', table, `COLUMN_NAME = ${quoteLiteral(column)}`)})`
}

export function constraintExists(table: Name, name: string, type: string | null): string {
  const ofType = type === null ? '' : ` AND CONSTRAINT_TYPE = ${quoteLiteral(type)}`
  return `EXISTS (SELECT 1 ${ofTable('TABLE_CONSTRAINTS', table, `CONSTRAINT_NAME = ${quoteLiteral(name)}${ofType}`)})`
}

export function partitionExists(table: Name, name: string): string {
  return `EXISTS (SELECT 1 ${ofTable('PARTITIONS', table, `PARTITION_NAME = ${quoteLiteral(name)}`)})`
}

export function indexExists(table: Name, name: string): string {
  return `EXISTS (SELECT 1 ${ofTable('STATISTICS', table, `INDEX_NAME = ${quoteLiteral(name)}`)})`
}

/** An index as a statement makes it. */
export interface IndexShape {
  /** null: the server names it. */
  name: string | null
  /** null: one of its parts is an expression. */
  columns: readonly string[] | null
  kind: 'PLAIN' | 'UNIQUE' | 'FULLTEXT' | 'SPATIAL'
}

/** There is an index like this one, by its columns and kind, and by its name where it has one. */
export function indexMatches(table: Name, { name, columns, kind }: IndexShape): string {
  const named = name === null ? '1' : `INDEX_NAME = ${quoteLiteral(name)}`
  const list = columns === null ? '' : columns.map((column) => column.toLowerCase()).join(',')
  const having = [
    ...(columns === null ? [] : [`GROUP_CONCAT(LOWER(COLUMN_NAME) ORDER BY SEQ_IN_INDEX) = ${quoteLiteral(list)}`]),
    `MAX(NON_UNIQUE) = ${kind === 'UNIQUE' ? 0 : 1}`,
    kind === 'FULLTEXT' || kind === 'SPATIAL'
      ? `MAX(INDEX_TYPE) = '${kind}'`
      : "MAX(INDEX_TYPE) NOT IN ('FULLTEXT', 'SPATIAL')",
  ].join(' AND ')
  return `EXISTS (SELECT INDEX_NAME ${ofTable('STATISTICS', table, named)} GROUP BY INDEX_NAME HAVING ${having})`
}

/** A foreign key by what it is made of: unnamed ones are named by the server. */
export function foreignKeyMatches(table: Name, columns: readonly string[], refers: string): string {
  const list = columns.map((column) => column.toLowerCase()).join(',')
  const where = `REFERENCED_TABLE_NAME = ${quoteLiteral(refers)}`
  return `EXISTS (SELECT CONSTRAINT_NAME ${ofTable('KEY_COLUMN_USAGE', table, where)} GROUP BY CONSTRAINT_NAME HAVING GROUP_CONCAT(LOWER(COLUMN_NAME) ORDER BY ORDINAL_POSITION) = ${quoteLiteral(list)})`
}

/** For something that is there afterwards and was not before. */
export function gained(noun: string, landed: string, absent = `NOT ${landed}`): Check {
  return {
    landed,
    absent,
    there: `${noun} is there`,
    missing: `${noun} is not there`,
    otherwise: `${noun} is not as it was, nor as the statement makes it`,
  }
}

/** For something that was there before and is not afterwards. */
export function lost(noun: string, exists: string, landed = `NOT ${exists}`): Check {
  return {
    landed,
    absent: exists,
    there: `${noun} is gone`,
    missing: `${noun} is still there`,
    otherwise: `${noun} is not as it was, nor as the statement leaves it`,
  }
}

export function noun(kind: string, name: Name | string): string {
  return `${kind} ${typeof name === 'string' ? name : showName(name)}`
}
