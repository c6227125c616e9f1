import { describeFailure } from '../../engine/describe-failure.ts'
import type { Blocker, DatabaseFailure } from '../../model/dialect.ts'
import { type ErrorDocument, TenantryError } from '../../model/errors.ts'
import type { SampleBrokenKey } from '../../model/sample-db.ts'
import type { Target } from '../../model/tenant.ts'
import type { KeepProblem } from './choose-tables.ts'

const nothing = 'Nothing was removed.'

function refuse(message: string, hint: string, context: Record<string, unknown>): ErrorDocument {
  return new TenantryError('SAMPLE_REFUSED', `${message} ${nothing}`, { hint, context }).toJSON()
}

/** How the command is typed for this target. */
function commandFor({ tenants, name }: Target): string {
  const [tenant] = tenants
  return `tenantry sample-db${tenant === undefined ? '' : ` ${tenants.length === 1 ? tenant.slug : name}`}`
}

export function wrongDatabase(target: Target, typed: string, real: string): ErrorDocument {
  return refuse(
    `A sample reset against the wrong database name: \`--database\` says ${JSON.stringify(typed)}, and ${target.name} is in the database ${JSON.stringify(real)}.`,
    'If that is the one that is meant, type its name; else name another tenant.',
    { target: target.name, typed, database: real },
  )
}

/** What is wrong with `sampleDb.keep`, all of it. */
export function wrongKeep(target: Target, problems: readonly KeepProblem[]): ErrorDocument {
  const lines = problems.map(({ table, message }) => `${table}: ${message}`)
  return refuse(
    `\`sampleDb.keep\` does not fit ${target.name}: ${lines.join('; ')}.`,
    'Correct `sampleDb.keep` in the config. A table that is not listed there is emptied.',
    { target: target.name, problems },
  )
}

export function noTables(target: Target): ErrorDocument {
  return refuse(`${target.name} has no tables.`, 'Run `tenantry up` there first.', { target: target.name })
}

export function brokenKeysError(target: Target, keys: readonly SampleBrokenKey[]): ErrorDocument {
  const shown = keys
    .slice(0, 10)
    .map(
      ({ table, columns, to, rows, example }) =>
        `${table}(${columns.join(', ')}) → ${to}: ${rows} ${rows === 1 ? 'row' : 'rows'}, such as ${example.join(', ')}`,
    )
  const more = keys.length > 10 ? `; and ${keys.length - 10} more keys` : ''
  return refuse(
    `In ${target.name} rows that stay point to rows that would go: ${shown.join('; ')}${more}.`,
    'Keep the table that is pointed to (or the rows, by `where`), or keep fewer rows of the one that points there.',
    { target: target.name, brokenKeys: keys },
  )
}

/** Why a target must be named before it is reset: marks of production, and how many rows it holds. */
export function mustBeNamed(target: Target, reasons: readonly string[], database: string): ErrorDocument {
  return new TenantryError(
    'CONFIRMATION_MISSING',
    `${target.name} was not made a sample: ${reasons.join('; ')}. ${nothing}`,
    {
      hint: `If it is the right one all the same, type its database's name: \`${commandFor(target)} --database ${/^[\w./-]+$/.test(database) ? database : '<name>'} --confirm\`.`,
      context: { target: target.name, reasons },
    },
  ).toJSON()
}

export function unconfirmed(target: Target, rows: number): ErrorDocument {
  return new TenantryError(
    'CONFIRMATION_MISSING',
    `A sample reset of ${target.name} removes ${rows} rows for good, and nobody confirmed it. ${nothing}`,
    {
      hint: `Look at the plan, then run \`${commandFor(target)} --confirm\` (or set CONFIRM_SAMPLE_RESET=1).`,
      context: { target: target.name },
    },
  ).toJSON()
}

/** What the server said, as the error of this target. */
export function failedSample(
  target: Target,
  failure: DatabaseFailure,
  blockers: readonly Blocker[],
  doing: 'looked at' | 'reset',
): ErrorDocument {
  const document = describeFailure(failure, { target, set: '' }, { blockers })
  const { set: _, ...context } = document.context
  const isUnsure = failure.kind === 'connection-lost' && doing === 'reset'
  const after = isUnsure ? 'Either all of it was done or nothing.' : nothing
  return {
    code: document.code === 'MIGRATION_FAILED' ? 'SAMPLE_FAILED' : document.code,
    message: `${document.message.replace(' could not be migrated', ` could not be ${doing}`)} ${after}`,
    hint: isUnsure
      ? `\`${commandFor(target)} --dry-run\` shows which; the same command again does the rest.`
      : hintFor(failure, document, target),
    context,
  }
}

function hintFor(failure: DatabaseFailure, { hint }: ErrorDocument, target: Target): string {
  if (failure.kind === 'deadlock' || failure.kind === 'lock-timeout' || failure.kind === 'locked')
    return 'Wait for the other session, or end it, and run the same command again.'
  if (failure.kind === 'statement')
    return /row-level security/.test(failure.message)
      ? 'A policy hides rows from this role: log in as a role that it does not hold for.'
      : /temporary/i.test(failure.message)
        ? 'Rows that stay are noted in a temporary table: allow this role to make one.'
        : `Mend what it says; \`${commandFor(target)} --dry-run\` shows the plan.`
  return (hint ?? '').replaceAll('`tenantry up`', 'the same command')
}
