import type { VerifyFinding } from '../../model/check-report.ts'
import type { Connection } from '../../model/dialect.ts'
import type { HealthQuestion, HealthReading, HealthTarget, SharedTableRules } from '../../model/health.ts'
import { type AskedSchema, healthQuestion, sequencesLook, sequencesQuestion } from './health-question.ts'
import { findSchemas } from './picture-schemas.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'

/** Schemas per message; and sequences, each of which takes locks on itself, its table and that one's indexes. */
const most = { schemas: 500, sequences: 400 }

type Row = Record<string, unknown>

/**
 * What PostgreSQL's catalog and its sequences say. Tables whose column cannot be read, that are locked for longer than
 * `lockTimeoutMs`, or that hold more than 64 MB without an index on the column, are not looked at for their sequences.
 */
export async function health(
  connection: Connection,
  targets: readonly HealthTarget[],
  question: HealthQuestion,
): Promise<HealthReading[]> {
  const found = await findSchemas(
    connection,
    targets.map(({ schema }) => schema),
  )
  const schemas = found.map((one): AskedSchema => ({ ...one, shared: targets[one.target]?.shared === true }))
  const findings = targets.map((): VerifyFinding[] => [])
  for (let from = 0; from < schemas.length; from += most.schemas) {
    const some = schemas.slice(from, from + most.schemas)
    for (const row of await ask(connection, question, healthQuestion(some, question)))
      findings[Number(row.t)]?.push(...readFinding(row, question.sharedTables))
    const sequences = await ask(connection, question, sequencesQuestion(some, question))
    for (let at = 0; at < sequences.length; at += most.sequences) {
      for (const { t, finding } of await lookAt(connection, question, sequences.slice(at, at + most.sequences)))
        findings[t]?.push(finding)
    }
  }
  const there = new Set(found.map(({ target }) => target))
  return findings.map((own, i) => (there.has(i) ? own : null))
}

/** One message is one transaction: the settings are gone with it. Nothing of a tenant's is on the search path. */
function ask(connection: Connection, { lockTimeoutMs }: HealthQuestion, text: string): Promise<Row[]> {
  return connection.run(
    `SELECT set_config('search_path', '', true), set_config('jit', 'off', true), set_config('lock_timeout', '${lockTimeoutMs}', true); ${text}`,
  )
}

async function lookAt(
  connection: Connection,
  question: HealthQuestion,
  sequences: readonly Row[],
): Promise<{ t: number; finding: VerifyFinding }[]> {
  const [row] = await ask(
    connection,
    question,
    `SELECT set_config('tenantry.ask', ${quoteLiteral(JSON.stringify(sequences))}, true); ${sequencesLook}; SELECT current_setting('tenantry.answer') AS answer`,
  )
  const behind = JSON.parse(String(row?.answer)) as { at: number; furthest: string; next: string }[]
  return behind.flatMap(({ at, furthest, next }) => {
    const sequence = sequences[at]
    return sequence === undefined ? [] : [{ t: Number(sequence.t), finding: sequenceBehind(sequence, furthest, next) }]
  })
}

function sequenceBehind(row: Row, furthest: string, next: string): VerifyFinding {
  const qualified = (schema: unknown, name: unknown) =>
    `${quoteIdentifier(String(schema))}.${quoteIdentifier(String(name))}`
  const [sequence, table] = [qualified(row.sequenceSchema, row.sequence), qualified(row.schema, row.table)]
  const aggregate = String(row.step).startsWith('-') ? 'min' : 'max'
  return {
    rule: 'sequence-behind',
    severity: row.isUnique === true ? 'error' : 'warning',
    object: String(row.object),
    message: `Sequence ${String(row.sequence)} would give ${next} next, and ${String(row.object)} is at ${furthest} already${row.isUnique === true ? ': inserts will fail' : ''}.`,
    hint: `SELECT setval(${quoteLiteral(sequence)}, (SELECT ${aggregate}(${quoteIdentifier(String(row.column))}) FROM ${table}));`,
  }
}

function readFinding(row: Row, rules: SharedTableRules | null): VerifyFinding[] {
  const object = String(row.object)
  const [a, b, c] = [row.a, row.b, row.c].map((value) => (value == null ? '' : String(value))) as [
    string,
    string,
    string,
  ]
  switch (row.rule) {
    case 'invalid-index':
      return [invalidIndex(object, a, b, c)]
    case 'not-valid-constraint': {
      const alter = a === 'domain' ? 'DOMAIN' : 'TABLE'
      return [
        {
          rule: 'not-valid-constraint',
          severity: 'error',
          object,
          message: `The ${a === 'domain' ? 'check' : a} ${object} is NOT VALID: rows that were there before it may break it.`,
          hint: `ALTER ${alter} ${c} VALIDATE CONSTRAINT ${b};`,
        },
      ]
    }
    case 'hidden-rows':
      return [
        {
          rule: 'row-security',
          severity: 'error',
          object,
          message: `Row-level security ${b === 'true' ? 'is forced on' : 'holds for'} table ${object} and for the migration role ${a}: what it hides, no migration changes.`,
          hint: `Give the role BYPASSRLS, or the table a policy for it (\`CREATE POLICY … FOR ALL TO ${quoteIdentifier(a)} USING (true)\`).`,
        },
      ]
    default:
      return [...tenantColumn(object, a), ...policy(object, b, rules)]
  }
}

function invalidIndex(object: string, table: string, state: string, qualified: string): VerifyFinding {
  const base = { rule: 'invalid-index', object } as const
  if (state === 'building') {
    const message = `Index ${object} of ${table} is being built right now.`
    return { ...base, severity: 'warning', message, hint: 'Look again when it is done.' }
  }
  return {
    ...base,
    severity: 'error',
    message: `Index ${object} of ${table} is invalid: no query uses it, and every write keeps it up.`,
    hint:
      state === 'I'
        ? 'Some partition has no index attached to it: create that one, and attach it (`ALTER INDEX … ATTACH PARTITION`).'
        : `REINDEX INDEX CONCURRENTLY ${qualified}; or drop it and create it again.`,
  }
}

const lacks: Readonly<Record<string, string>> = {
  nullable: 'may be NULL',
  unindexed: 'begins no index',
  unreferenced: 'is in no foreign key',
}

function tenantColumn(object: string, faults: string): VerifyFinding[] {
  if (faults === '') return []
  const words = faults.split(',').map((fault) => lacks[fault] ?? fault)
  return [
    {
      rule: 'tenant-column',
      severity: 'error',
      object,
      message: `${object} says whose row it is, and ${words.join(', ').replace(/, ([^,]*)$/, ' and $1')}.`,
      hint: 'A migration should mend it; or leave the table out with `sharedTables.except`.',
    },
  ]
}

function policy(object: string, state: string, rules: SharedTableRules | null): VerifyFinding[] {
  if (state === '' || rules === null) return []
  const table = object.slice(0, -rules.column.length - 1)
  return [
    {
      rule: 'row-security',
      severity: 'error',
      object: table,
      message:
        state === 'off'
          ? `Table ${table} is shared, and row-level security is off for it.`
          : `Table ${table} is shared, and has row-level security without a policy: only its owner sees rows.`,
      hint: 'A migration should enable it with a policy; or leave the table out with `sharedTables.except`.',
    },
  ]
}
