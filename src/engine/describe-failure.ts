import { type Blocker, type DatabaseFailure, failureCodes } from '../model/dialect.ts'
import { type ErrorContext, type ErrorDocument, TenantryError } from '../model/errors.ts'
import type { Target } from '../model/tenant.ts'

/** Where in a migration something failed. */
export interface FailurePlace {
  target: Target
  set: string
  migration?: string | undefined
  /** What was being done; default `up`. */
  direction?: 'up' | 'down' | undefined
  file?: string | undefined
  statement?: number | undefined
  line?: number | undefined
  column?: number | undefined
}

export function describeBlocker(blocker: Blocker): string {
  const since = blocker.since === null ? '' : `, in a transaction since ${blocker.since}`
  const state = blocker.state === null ? '' : `, ${blocker.state}`
  const user = blocker.user === '' ? '' : `, user ${blocker.user}`
  return `session ${blocker.sessionId} (application "${blocker.applicationName}"${user}${state}${since})`
}

/** A failure of the server or the connection, as the error of one target. */
export function describeFailure(
  failure: DatabaseFailure,
  place: FailurePlace,
  extra: { blockers?: readonly Blocker[]; hint?: string; note?: string } = {},
): ErrorDocument {
  const { target, set, migration, file, statement, line, column } = place
  // Code has no lines that a statement stands in; it sends them one after the other.
  const count = statement === undefined ? '' : ` at its statement ${statement}`
  const where = line === undefined ? count : ` at line ${line}, column ${column}`
  const subject =
    migration === undefined
      ? `${target.name} could not be migrated`
      : `Migration ${migration} failed in ${target.name}${where}`
  const blockedBy = extra.blockers?.length ? ` Blocked by ${extra.blockers.map(describeBlocker).join('; ')}.` : ''
  const note = extra.note === undefined ? '' : ` ${extra.note}`
  const message = `${subject}: ${failure.message.replace(/\.$/, '')}.${blockedBy}${note}`
  const tenant = target.tenants.length === 1 ? target.tenants[0]?.slug : undefined
  const context: ErrorContext = { target: target.name, set }
  if (tenant !== undefined) context.tenant = tenant
  if (migration !== undefined) context.migration = migration
  if (file !== undefined) context.file = file
  if (statement !== undefined) context.statement = statement
  if (line !== undefined) context.line = line
  if (column !== undefined) context.column = column
  if (failure.sqlstate !== null) context.sqlstate = failure.sqlstate
  context.serverMessage = failure.message
  if (failure.detail !== null) context.detail = failure.detail
  if (extra.blockers?.length) context.blockers = extra.blockers
  const name = tenant ?? target.name
  const hint = extra.hint ?? hintFor(failure, name, nameAgain(place, name))
  return new TenantryError(failureCodes[failure.kind], message, { hint, context }).toJSON()
}

/** What to type next. A bare `down` would undo one more where it succeeded, and `up` would take the undo back. */
function nameAgain({ direction, migration }: FailurePlace, name: string): string {
  if (direction !== 'down') return '`tenantry up`'
  return migration === undefined ? 'the same command' : `\`tenantry down ${migration} ${name}\``
}

function hintFor(failure: DatabaseFailure, name: string, again: string): string {
  switch (failure.kind) {
    case 'lock-timeout':
      return `End the blocking session or wait for it, then run ${again} again; \`lockTimeoutMs\` and \`lockRetryBudgetMs\` set how long to wait.`
    case 'locked':
      return `Another run is migrating this target. Wait for it to end, then run ${again} again; \`targetLockWaitMs\` sets how long to wait.`
    case 'native-locked':
      return `If the tool is running, wait for it. If it died: \`tenantry explain ${name}\` says who holds its lock, and \`tenantry unlock ${name}\` frees a lock that is a row of a table; then run ${again} again.`
    case 'statement-timeout':
      return `Raise \`statementTimeoutMs\` (or \`migrationTimeoutMs\`), or split the migration, then run ${again} again.`
    case 'left-transaction':
      return 'Take COMMIT, ROLLBACK and RESET ALL out of function calls and DO blocks of this migration, or mark it with `-- tenantry:no-transaction`.'
    case 'connection-lost':
      return `Run ${again} again: it continues where this run stopped, and applies nothing twice.`
    case 'unreachable':
      return `Check that the server runs and that its address in the config is right, then run ${again} again.`
    case 'too-many-connections':
      return `Lower \`maxConcurrency\` of this server, or raise \`max_connections\` there, then run ${again} again.`
    case 'authentication':
      return 'Check user and password of this server in the config.'
    case 'tls':
      return 'Give the CA that signed the server certificate (`tls.ca`, or `sslrootcert` in the URL), and connect by the host name in the certificate.'
    case 'database-missing':
      return `Create the database, or take the tenant out of the list, then run ${again} again.`
    case 'database-unusable':
      return `Mend the database itself (rights on the file and its folder, room on the disk, a copy from a backup), then run ${again} again.`
    case 'cancelled':
      return `Run ${again} again: it continues where this run stopped.`
    default:
      // Class 23: the rows that are there do not fit; the file may be right.
      if (failure.sqlstate?.startsWith('23')) {
        return `Mend the rows that are in the way (or the file) and run \`tenantry up\` again; the \`detail\` of this error in \`--json\` names them.`
      }
      return `Fix the file and run ${again} again, or see \`tenantry explain ${name}\`.`
  }
}
