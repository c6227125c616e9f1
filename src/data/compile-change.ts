import type { Batches, KeyColumn } from '../model/batches.ts'
import type { CompileOptions, Dialect } from '../model/dialect.ts'
import { TenantryError } from '../model/errors.ts'
import type { Migration } from '../model/migration.ts'
import type { Script } from '../model/script.ts'
import type { DataChange } from './data-change.ts'

/** What stands for the parameters of one batch. */
export interface BatchValues {
  key: readonly KeyColumn[]
  from: readonly string[] | null
  to: readonly string[] | null
  keys: readonly (readonly string[])[]
  tenant: string | null
  limit: number
}

/** The SQL of a change, ready for batches. */
export interface CompiledChange {
  /** Names of the parameters it has. */
  parameters: ReadonlySet<string>
  statements(schema: string | null, values: BatchValues): string[]
  /** Where in the file statement n (from 0) begins. */
  lineOf(statement: number, schema: string | null): number
}

const names = ['from', 'to', 'keys', 'tenant', 'limit']

/**
 * Compiles the SQL of a change as a migration's is: names are adapted to the target's schema, and what cannot be in one
 * transaction is refused. Throws DATA_CHANGE_REFUSED.
 */
export async function compileChange(
  change: DataChange,
  dialect: Dialect,
  migrations: readonly Migration[],
  options: CompileOptions,
): Promise<CompiledChange> {
  const batches = dialect.batches as Batches
  const text = change.body.kind === 'sql' ? change.body.text : ''
  const found = batches.parameters(text).filter(({ name }) => names.includes(name))
  const parameters = new Set(found.map(({ name }) => name))
  refuseParameters(change, parameters)
  let marked = ''
  let at = 0
  for (const { name, start, end } of found) {
    marked += text.slice(at, start) + batches.mark(names.indexOf(name))
    at = end
  }
  const migration = asMigration(change, marked + text.slice(at))
  const script = await dialect.compile([...migrations, migration], options).up(migration)
  refuseScript(change, script)
  const statements = script.segments.flatMap((segment) => segment.statements)
  const marks = names.map((_, i) => batches.mark(i).replace(/[$]/g, '\\$&'))
  const pattern = new RegExp(`(${marks.join('|')})(?!\\w)`, 'g')
  return {
    parameters,
    statements: (schema, values) =>
      statements.map((statement) =>
        statement.text(schema).replace(pattern, (mark) => {
          const name = names.find((_, i) => batches.mark(i) === mark) as string
          return parameterValue(change, dialect, name, values)
        }),
      ),
    lineOf: (statement, schema) => statements[statement]?.locate(schema).line ?? 1,
  }
}

function asMigration(change: DataChange, text: string): Migration {
  return {
    id: change.name,
    number: null,
    checksum: change.checksum,
    otherChecksums: [],
    description: null,
    keys: [change.name],
    up: { kind: 'sql', text, file: change.file },
    down: null,
    transaction: 'auto',
  }
}

function refuse(change: DataChange, message: string, hint: string, line?: number): never {
  throw new TenantryError('DATA_CHANGE_REFUSED', `Data change ${change.name} cannot be carried out: ${message}.`, {
    hint,
    context: { change: change.name, file: change.file, ...(line === undefined ? {} : { line }) },
  })
}

function refuseParameters(change: DataChange, parameters: ReadonlySet<string>): void {
  const isRange = parameters.has('from') && parameters.has('to')
  if (change.remaining !== null) {
    if (parameters.has('limit')) return
    refuse(
      change,
      'its statement has no `:limit`',
      'Limit what one batch changes: `… WHERE id IN (SELECT id FROM orders WHERE x IS NULL LIMIT :limit)`.',
    )
  }
  if (isRange || parameters.has('keys')) return
  refuse(
    change,
    parameters.has('from') || parameters.has('to')
      ? 'its statement has only one end of the range, and each batch would change rows of others again'
      : 'its statement has neither `:from` and `:to` nor `:keys`, and each batch would change every row',
    'Write `WHERE id BETWEEN :from AND :to` (both ends belong to the batch), or `WHERE id IN (:keys)`.',
  )
}

function refuseScript(change: DataChange, script: Script): void {
  const [problem] = script.problems
  if (problem !== undefined) refuse(change, problem.message, problem.hint ?? 'Correct the file.', problem.line)
  const [segment, ...others] = script.segments
  if (segment === undefined || segment.statements.length === 0)
    refuse(change, 'it has no statement', 'Write one below the header.')
  if (others.length > 0 || segment?.kind !== 'transaction') {
    const hint =
      'Leave out BEGIN and COMMIT, and move what changes the schema into a migration: each batch is committed with its cursor.'
    refuse(change, `it cannot run in one transaction (${script.reason})`, hint)
  }
  if (script.changesRole) refuse(change, 'it changes the role', 'Grant what it needs to the role that migrates.')
}

function tuple(key: readonly KeyColumn[], values: readonly string[]): string {
  const literals = key.map(({ literal }, i) => literal(values[i] as string))
  return literals.length === 1 ? (literals[0] as string) : `(${literals.join(', ')})`
}

function parameterValue(change: DataChange, dialect: Dialect, name: string, values: BatchValues): string {
  const { key, from, to, keys, tenant, limit } = values
  if (name === 'from' && from !== null) return tuple(key, from)
  if (name === 'to' && to !== null) return tuple(key, to)
  if (name === 'keys' && keys.length > 0)
    return `${key.length > 1 ? (dialect.batches?.beforeRows ?? '') : ''}${keys.map((one) => tuple(key, one)).join(', ')}`
  if (name === 'limit') return String(limit)
  if (name === 'tenant' && tenant !== null) return dialect.quoteLiteral(tenant)
  if (name !== 'tenant') throw new TenantryError('INTERNAL', `The batch of ${change.name} has no value for :${name}.`)
  return refuse(
    change,
    'it names `:tenant`, and here it goes over all rows of a target that has several tenants',
    'Take `:tenant` or `scope=target` out of it.',
  )
}
