import type { VerifyFinding } from '../../model/check-report.ts'
import type { Connection } from '../../model/dialect.ts'
import type { HealthQuestion, HealthReading, HealthTarget } from '../../model/health.ts'
import type { MysqlConnection } from './connection.ts'
import { quoteLiteral } from './quote.ts'

type Row = Record<string, unknown>

/**
 * What the catalog of MariaDB and MySQL says, one message per database. Indexes are never invalid there, AUTO_INCREMENT
 * is never behind, and there are no row-level policies. A foreign key may point to a table that is not there (made or
 * left with `foreign_key_checks = 0`), and MySQL has constraints that are NOT ENFORCED, which somebody wanted so.
 */
export async function health(
  connection: Connection,
  targets: readonly HealthTarget[],
  question: HealthQuestion,
): Promise<HealthReading[]> {
  const readings: HealthReading[] = []
  for (const target of targets) readings.push(await lookAt(connection as MysqlConnection, target, question))
  return readings
}

async function lookAt(
  connection: MysqlConnection,
  { schema, shared }: HealthTarget,
  { exceptTables, sharedTables, lockTimeoutMs }: HealthQuestion,
): Promise<HealthReading> {
  const database = quoteLiteral(schema ?? connection.database)
  const passedOver = [...exceptTables, ...(sharedTables?.except ?? [])].map(quoteLiteral).join(', ')
  const results = await connection.results([
    `SET SESSION lock_wait_timeout = ${Math.max(1, Math.ceil(lockTimeoutMs / 1000))}`,
    `SELECT 1 AS there FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ${database}`,
    `SELECT r.TABLE_NAME AS tab, r.CONSTRAINT_NAME AS name, r.REFERENCED_TABLE_NAME AS parent
      FROM information_schema.REFERENTIAL_CONSTRAINTS r LEFT JOIN information_schema.TABLES t
        ON t.TABLE_SCHEMA = r.UNIQUE_CONSTRAINT_SCHEMA AND t.TABLE_NAME = r.REFERENCED_TABLE_NAME
      WHERE r.CONSTRAINT_SCHEMA = ${database} AND t.TABLE_NAME IS NULL ORDER BY 1, 2`,
    shared && sharedTables !== null
      ? `SELECT c.TABLE_NAME AS tab, c.COLUMN_NAME AS col, c.IS_NULLABLE AS nullable,
          EXISTS (SELECT 1 FROM information_schema.STATISTICS s WHERE s.TABLE_SCHEMA = c.TABLE_SCHEMA AND s.TABLE_NAME = c.TABLE_NAME
            AND s.COLUMN_NAME = c.COLUMN_NAME AND s.SEQ_IN_INDEX = 1) AS indexed,
          EXISTS (SELECT 1 FROM information_schema.KEY_COLUMN_USAGE k WHERE k.TABLE_SCHEMA = c.TABLE_SCHEMA AND k.TABLE_NAME = c.TABLE_NAME
            AND k.COLUMN_NAME = c.COLUMN_NAME AND k.REFERENCED_TABLE_NAME IS NOT NULL) AS referenced
        FROM information_schema.COLUMNS c JOIN information_schema.TABLES t
          ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME AND t.TABLE_TYPE = 'BASE TABLE'
        WHERE c.TABLE_SCHEMA = ${database} AND c.COLUMN_NAME = ${quoteLiteral(sharedTables.column)}
          ${passedOver === '' ? '' : `AND c.TABLE_NAME NOT IN (${passedOver})`} ORDER BY 1`
      : 'SELECT 1 FROM DUAL WHERE FALSE',
  ])
  const [, there = [], dangling = [], columns = []] = results
  return there.length === 0 ? null : [...dangling.map(danglingKey), ...columns.flatMap(tenantColumn)]
}

function danglingKey({ tab, name, parent }: Row): VerifyFinding {
  const object = `${String(tab)}.${String(name)}`
  return {
    rule: 'not-valid-constraint',
    severity: 'error',
    object,
    message: `The foreign key ${object} points to table ${String(parent)}, which is not there.`,
    hint: 'Make the table again (`tenantry backfill --dry-run` shows how), or drop the foreign key.',
  }
}

function tenantColumn({ tab, col, nullable, indexed, referenced }: Row): VerifyFinding[] {
  const faults = [
    ...(nullable === 'YES' ? ['may be NULL'] : []),
    ...(Number(indexed) === 0 ? ['begins no index'] : []),
    ...(Number(referenced) === 0 ? ['is in no foreign key'] : []),
  ]
  if (faults.length === 0) return []
  const object = `${String(tab)}.${String(col)}`
  return [
    {
      rule: 'tenant-column',
      severity: 'error',
      object,
      message: `${object} says whose row it is, and ${faults.join(', ').replace(/, ([^,]*)$/, ' and $1')}.`,
      hint: 'A migration should mend it; or leave the table out with `sharedTables.except`.',
    },
  ]
}
