import { expect, test } from 'vitest'
import { type ErrorCode, TenantryError } from '../model/errors.ts'
import { emptySummary } from '../rollout/report.ts'
import { exitCodeOf, exitCodeOfError, type ReportedOutcome } from './exit-code.ts'

function failing(code: ErrorCode): ReportedOutcome['targets'][number] {
  return { error: new TenantryError(code, 'no').toJSON() }
}

const base: ReportedOutcome = {
  command: 'up',
  ok: true,
  interrupted: false,
  error: null,
  summary: emptySummary(),
  targets: [],
}
const counted = (change: Partial<ReportedOutcome['summary']>) => ({ ...emptySummary(), ...change })

test.each<[string, Partial<ReportedOutcome>, number]>([
  ['up, all applied', {}, 0],
  ['up, one failed', { ok: false, summary: counted({ failed: 1 }), targets: [failing('MIGRATION_FAILED')] }, 1],
  ['up, some stopped', { ok: false, summary: counted({ stopped: 3 }) }, 1],
  ['up, a failure that ok does not tell', { summary: counted({ failed: 1 }) }, 1],
  ['up, an undo that is missing in one target', { ok: false, targets: [failing('UNDO_MISSING')] }, 1],
  ['up, interrupted', { ok: false, interrupted: true, summary: counted({ failed: 1 }) }, 130],
  ['up, config error', { ok: false, error: new TenantryError('CONFIG_INVALID', 'no').toJSON() }, 2],
  ['up, unreachable registry', { ok: false, error: new TenantryError('SERVER_UNREACHABLE', 'no').toJSON() }, 1],
  ['down, refused for data loss', { command: 'down', ok: false, targets: [failing('DATA_LOSS')] }, 1],
  ['down, refused as a whole', { command: 'down', ok: false, error: new TenantryError('DATA_LOSS', '').toJSON() }, 2],
  ['baseline, one failed', { command: 'baseline', ok: false }, 1],
  ['plan, pending only', { command: 'plan' }, 0],
  ['plan, a changed file', { command: 'plan', ok: false, targets: [failing('MIGRATION_CHANGED')] }, 3],
  ['plan, a server away', { command: 'plan', ok: false, targets: [failing('SERVER_UNREACHABLE')] }, 1],
  ['check, up to date', { command: 'check' }, 0],
  ['check, pending', { command: 'check', ok: false }, 3],
  ['check, wrong password', { command: 'check', ok: false, targets: [failing('AUTHENTICATION_FAILED')] }, 1],
  ['status, pending', { command: 'status', ok: false }, 0],
  ['status, changed', { command: 'status', ok: false, targets: [failing('MIGRATION_CHANGED')] }, 0],
  ['status, a database away', { command: 'status', ok: false, targets: [failing('DATABASE_MISSING')] }, 1],
])('%s', (_, change, expected) => {
  expect(exitCodeOf({ ...base, ...change })).toBe(expected)
})

test.each<[unknown, number]>([
  [new TenantryError('USAGE', ''), 2],
  [new TenantryError('CONFIRMATION_MISSING', ''), 2],
  [new TenantryError('SERVER_UNREACHABLE', ''), 1],
  [new TenantryError('FINDINGS', ''), 3],
  [new TenantryError('INTERRUPTED', ''), 130],
  [new Error('a defect'), 1],
  ['not even an error', 1],
])('thrown: %s', (error, expected) => {
  expect(exitCodeOfError(error)).toBe(expected)
})
