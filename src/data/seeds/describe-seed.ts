import { describeFailure } from '../../engine/describe-failure.ts'
import { type DatabaseFailure, failureCodes } from '../../model/dialect.ts'
import { type ErrorCode, type ErrorDocument, TenantryError } from '../../model/errors.ts'
import type { Target } from '../../model/tenant.ts'
import type { Seed, SeedValue } from './seed-file.ts'
import { SeedStopped } from './seed-work.ts'

/** Failures that say something about the server or the connection, not about the seed. */
const elsewhere: ReadonlySet<ErrorCode> = new Set([
  'TARGET_LOCKED',
  'LOCK_TIMEOUT',
  'CONNECTION_LOST',
  'SERVER_UNREACHABLE',
  'AUTHENTICATION_FAILED',
  'TLS_FAILED',
  'DATABASE_MISSING',
  'DATABASE_UNUSABLE',
])

/** What ended a seed in a target, as the error of that target. */
export function describeSeedFailure(
  stopped: SeedStopped | DatabaseFailure,
  seed: Seed | null,
  target: Target,
  tenant: string | null,
): ErrorDocument {
  const failure = stopped instanceof SeedStopped ? stopped.failure : stopped
  if (failure !== null && (seed === null || isElsewhere(failure))) return describeOutside(failure, seed, target)
  const place = stopped instanceof SeedStopped ? stopped.place : {}
  const given = stopped instanceof SeedStopped ? stopped.hint : undefined
  const name = seed?.name ?? ''
  const where = tenant === null || target.tenants.length === 1 ? target.name : `${target.name} for tenant ${tenant}`
  const spot = place.line === undefined ? (seed?.file ?? '') : `${seed?.file}:${place.line}`
  const row = place.row === undefined ? '' : ` at the row ${place.row}`
  const why = hideValues(stopped.message.replace(/\.$/, ''), seed, place.line)
  const context = {
    target: target.name,
    ...(tenant === null ? {} : { tenant }),
    seed: name,
    file: seed?.file ?? '',
    ...place,
  }
  if (failure === null) {
    return new TenantryError(
      'SEED_REFUSED',
      `Seed ${name} cannot be carried out in ${where}${row} (${spot}): ${why}.`,
      {
        hint: given ?? 'Correct the file, then run `tenantry seed` again. Nothing of it was written there.',
        context,
      },
    ).toJSON()
  }
  const again = 'then run `tenantry seed` again'
  return new TenantryError(
    'SEED_FAILED',
    `Seed ${name} failed in ${where}${row} (${spot}): ${why}. Nothing of this file stays there.`,
    {
      hint:
        given ??
        (failure.sqlstate?.startsWith('23')
          ? `Correct the row, or mend the rows that are in its way, ${again}.`
          : `Correct the file, ${again}.`),
      context: {
        ...context,
        failure: failure.kind,
        ...(failure.sqlstate === null ? {} : { sqlstate: failure.sqlstate }),
      },
    },
  ).toJSON()
}

function isElsewhere(failure: DatabaseFailure): boolean {
  return failure.kind !== 'deadlock' && elsewhere.has(failureCodes[failure.kind])
}

function describeOutside(failure: DatabaseFailure, seed: Seed | null, target: Target): ErrorDocument {
  const document = describeFailure(failure, { target, set: seed?.set ?? '' })
  const what = seed === null ? 'seeds could not be carried out' : `seed ${seed.name} could not be carried out`
  return {
    ...document,
    code: document.code === 'MIGRATION_FAILED' ? 'SEED_FAILED' : document.code,
    message: document.message.replace(' could not be migrated', `: ${what}`),
    hint: document.hint?.replaceAll('`tenantry up`', '`tenantry seed`') ?? null,
    context: { ...document.context, ...(seed === null ? {} : { seed: seed.name, file: seed.file }) },
  }
}

/** Servers repeat values in what they say; those of a row that are no part of its key may be for nobody's eyes. */
function hideValues(message: string, seed: Seed | null, line: number | undefined): string {
  if (seed?.body.kind !== 'rows') return message
  const { key, rows } = seed.body
  const row = rows.find((one) => one.line === line)
  const shown = new Set<string>()
  const hidden: string[] = []
  const read = (value: SeedValue, into: (text: string) => void): void => {
    if (value.kind === 'text' || value.kind === 'json') into(value.text)
    if (value.kind === 'reference') for (const one of value.by.values()) read(one, (text) => void shown.add(text))
  }
  for (const one of row === undefined ? rows : [row]) {
    for (const [name, value] of one.values)
      read(value, (text) => (key.includes(name) ? void shown.add(text) : void hidden.push(text)))
  }
  return [...new Set(hidden)]
    .filter((text) => text.length >= 4 && !shown.has(text))
    .sort((a, b) => b.length - a.length)
    .reduce((clean, text) => clean.replaceAll(text, '[value]'), message)
}
