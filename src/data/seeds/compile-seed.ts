import type { Batches } from '../../model/batches.ts'
import type { CompileOptions, Dialect } from '../../model/dialect.ts'
import type { Migration } from '../../model/migration.ts'
import type { ScriptStatement } from '../../model/script.ts'
import type { Tenant } from '../../model/tenant.ts'
import type { Seed, SqlBody } from './seed-file.ts'
import { SeedStopped } from './seed-work.ts'

/** The SQL of a seed, ready for targets of one kind. */
export interface CompiledSeed {
  /** It names a tenant. */
  isByTenant: boolean
  statements: readonly ScriptStatement[]
  /** Texts to send. */
  texts(schema: string | null, tenant: Tenant | null): string[]
}

const names = ['tenant', 'tenant_slug', 'tenant_name']

/** Does the text name the tenant that it is for? */
export function namesTenant(batches: Batches, { text }: SqlBody): boolean {
  return batches.parameters(text).some(({ name }) => names.includes(name))
}

/**
 * Compiles the SQL of a seed as a migration's is: names are adapted to the target's schema, and what cannot be in one
 * transaction is refused. Throws {@link SeedStopped}.
 */
export async function compileSeed(
  seed: Seed,
  body: SqlBody,
  dialect: Dialect,
  batches: Batches,
  migrations: readonly Migration[],
  options: CompileOptions,
): Promise<CompiledSeed> {
  const { text } = body
  const found = batches.parameters(text).filter(({ name }) => names.includes(name))
  let marked = ''
  let at = 0
  for (const { name, start, end } of found) {
    marked += text.slice(at, start) + batches.mark(names.indexOf(name))
    at = end
  }
  const migration = asMigration(seed, marked + text.slice(at))
  const script = await dialect.compile([...migrations, migration], options).up(migration)
  const [problem] = script.problems
  if (problem !== undefined) {
    const place = problem.line === undefined ? {} : { line: problem.line }
    throw new SeedStopped(
      problem.message.replace(/\.$/, ''),
      place,
      problem.hint === undefined ? {} : { hint: problem.hint },
    )
  }
  const [segment, ...others] = script.segments
  if (others.length > 0 || (segment !== undefined && segment.kind !== 'transaction')) {
    const hint = 'Leave out BEGIN and COMMIT, and move what changes the schema into a migration.'
    throw new SeedStopped(`it cannot run in one transaction (${script.reason})`, {}, { hint })
  }
  if (script.changesRole)
    throw new SeedStopped('it changes the role', {}, { hint: 'Grant what it needs to the role that migrates.' })
  const statements = segment?.statements ?? []
  const marks = names.map((_, i) => batches.mark(i).replace(/[$]/g, '\\$&'))
  const pattern = new RegExp(`(${marks.join('|')})(?!\\w)`, 'g')
  return {
    isByTenant: found.length > 0,
    statements,
    texts: (schema, tenant) =>
      statements.map((statement) =>
        statement.text(schema).replace(pattern, (mark) => {
          const name = names.find((_, i) => batches.mark(i) === mark)
          const value = name === 'tenant' ? tenant?.id : name === 'tenant_slug' ? tenant?.slug : tenant?.name
          return value === undefined ? 'NULL' : dialect.quoteLiteral(value)
        }),
      ),
  }
}

function asMigration({ name, checksum, file }: Seed, text: string): Migration {
  return {
    id: name,
    number: null,
    checksum,
    otherChecksums: [],
    description: null,
    keys: [name],
    up: { kind: 'sql', text, file },
    down: null,
    transaction: 'auto',
  }
}
