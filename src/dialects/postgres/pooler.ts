import { parseSql } from './parse.ts'

/** Statements that run by themselves and look nothing up on the search path. */
const pathless = new Set([
  'VacuumStmt',
  'AlterSystemStmt',
  'CreatedbStmt',
  'DropdbStmt',
  'CreateTableSpaceStmt',
  'DropTableSpaceStmt',
  'AlterDatabaseStmt',
  'CreateSubscriptionStmt',
  'DropSubscriptionStmt',
  'AlterSubscriptionStmt',
  'TransactionStmt',
  'DiscardStmt',
])

/**
 * Why a statement that must run outside a transaction cannot run behind a transaction pooler; null: it can. There a
 * `SET search_path` may reach another server session than the statement after it, so every name has to be qualified.
 */
export function poolerObstacle(sql: string): string | null {
  const statement = parseSql(sql).statements[0]
  if (statement === undefined || pathless.has(statement.type)) return null
  return hasUnqualifiedName(statement.node)
    ? 'it names objects without their schema, and a search path cannot be set there outside a transaction'
    : null
}

function hasUnqualifiedName(node: unknown): boolean {
  if (Array.isArray(node)) return node.some(hasUnqualifiedName)
  if (typeof node !== 'object' || node === null) return false
  const record = node as Record<string, unknown>
  if (typeof record.relname === 'string' && record.schemaname === undefined) return true
  const list = (record.List as { items?: unknown[] } | undefined)?.items
  if (list !== undefined && list.length < 2) return true
  return Object.values(record).some(hasUnqualifiedName)
}
