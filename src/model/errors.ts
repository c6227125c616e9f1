/**
 * Every code a {@link TenantryError} can carry, with what it means and the exit code a command ends with when
 * nothing but such an error stopped it. `docs/errors.md` is generated from this table.
 */
export const errorTable = {
  CONFIG_INVALID: { exit: 2, means: 'The config has one or more problems; all of them are listed.' },
  CONFIG_NOT_FOUND: { exit: 2, means: 'No config file and no environment variable says which databases to migrate.' },
  USAGE: { exit: 2, means: 'The command line cannot be carried out as written.' },
  TENANT_UNKNOWN: { exit: 2, means: 'A selector names a tenant, server or set that does not exist.' },
  TENANT_INVALID: { exit: 2, means: 'What a tenant was to be called, or where it was to be, cannot be used.' },
  TENANT_EXISTS: { exit: 2, means: 'A tenant with that slug, id or place is in the registry already.' },
  TENANT_STATE: { exit: 2, means: 'The state that a tenant is in does not allow this.' },
  SAMPLE_REFUSED: {
    exit: 2,
    means: 'A database cannot be made a sample as the config says, or another one was meant.',
  },
  SAMPLE_FAILED: { exit: 1, means: 'Making a database a sample failed; all of its rows are still there.' },
  REGISTRY_MISSING: { exit: 2, means: 'There is no registry, or its tables have not been made.' },
  REGISTRY_OUTDATED: { exit: 2, means: 'The tables of the registry are older than this version: migrate them.' },
  REGISTRY_NEWER: {
    exit: 2,
    means: 'The tables of the registry are newer than this version, which leaves them alone.',
  },
  KEY_INVALID: { exit: 2, means: 'An encryption key is missing, or does not have the right length.' },
  CREDENTIAL_UNREADABLE: {
    exit: 2,
    means: 'A stored credential cannot be opened: wrong key, damaged, or moved from another tenant.',
  },
  PROVISION_FAILED: { exit: 1, means: 'A tenant could not be made; what is there of it can be resumed or removed.' },
  TENANT_BEHIND: {
    exit: 1,
    means: "A tenant is not at the fleet's newest migrations, or this process does not have them.",
  },
  SHARED_TARGET: { exit: 2, means: 'Only some of the tenants that share a target were selected for a change of it.' },
  DRIVER_MISSING: { exit: 2, means: 'A driver or tool that this fleet needs is not installed.' },
  MIGRATIONS_UNREADABLE: { exit: 2, means: 'The migrations folder is missing, or a file in it cannot be used.' },
  MIGRATION_UNKNOWN: { exit: 2, means: 'No migration has that name or number, or several have.' },
  MIGRATION_DUPLICATE: { exit: 2, means: 'Two migration files claim the same place in the order.' },
  SCRATCH_MISSING: { exit: 2, means: 'The config names no server where schemas may be built and tried out.' },
  REFERENCE_FAILED: {
    exit: 1,
    means: 'The schema that the migrations should make could not be built on the scratch server.',
  },
  UNDO_MISSING: { exit: 2, means: 'A migration that should be undone has no undo file.' },
  DATA_LOSS: { exit: 2, means: 'An undo would drop tables or columns that hold rows.' },
  DEPENDED_ON: { exit: 2, means: 'An undo would take away what migrations that stay applied name.' },
  UNPROVEN: {
    exit: 2,
    means: 'An undo in several targets was never tried out on a scratch server, or was found not to work.',
  },
  CONFIRMATION_MISSING: { exit: 2, means: 'The command asks for a confirmation that was not given.' },
  SERVER_UNREACHABLE: { exit: 1, means: 'A server refused the connection, did not answer in time, or dropped it.' },
  AUTHENTICATION_FAILED: { exit: 1, means: 'The server refused the user, the password or the certificate.' },
  TLS_FAILED: { exit: 1, means: 'The connection could not be secured, or the server is not who it should be.' },
  DATABASE_MISSING: { exit: 1, means: 'The database of a target does not exist.' },
  DATABASE_UNUSABLE: {
    exit: 1,
    means: 'The file of a target cannot be read or written, is damaged, or is no database.',
  },
  SCHEMA_MISSING: { exit: 1, means: 'The schema of a target does not exist.' },
  MIGRATION_FAILED: { exit: 1, means: 'The server refused a statement of a migration.' },
  MIGRATION_TIMEOUT: { exit: 1, means: 'A statement or a migration ran longer than its limit and was cancelled.' },
  MIGRATION_CANCELLED: { exit: 1, means: 'A migration was cancelled in the server at the second interrupt.' },
  MIGRATION_INTERRUPTED: {
    exit: 1,
    means: 'A migration stopped between two statements and it cannot be told whether the last one landed.',
  },
  MIGRATION_CHANGED: { exit: 1, means: 'A file was changed after it had been applied.' },
  MIGRATION_HALF_APPLIED: { exit: 1, means: 'A migration is recorded as started but not as finished.' },
  MIGRATION_UNSUPPORTED: { exit: 1, means: 'A migration holds something that cannot run here.' },
  LEFT_TRANSACTION: {
    exit: 1,
    means: 'A migration ended the transaction it ran in, in a way that could not be foreseen.',
  },
  OUT_OF_ORDER: { exit: 1, means: 'An older migration is pending after newer ones, and the order is strict.' },
  ALREADY_EXISTS: { exit: 1, means: 'A migration makes an object that is already there.' },
  TARGET_LOCKED: { exit: 1, means: 'Another run holds the lock of this target and did not finish within the limit.' },
  NATIVE_LOCKED: {
    exit: 1,
    means: "The adopted tool's own lock is held: it is running, or it died and left its lock behind.",
  },
  LOCK_TIMEOUT: { exit: 1, means: 'Another session held a lock that a migration needs, longer than the retry budget.' },
  LOOK_FAILED: { exit: 1, means: 'The schema of a target could not be looked at.' },
  VERIFY_FAILED: {
    exit: 1,
    means: "A target's migrations were applied, and its schema is not what they make.",
  },
  BACKFILL_FAILED: { exit: 1, means: 'Something that a target lacks could not be made there.' },
  DATA_CHANGE_UNKNOWN: { exit: 2, means: 'No data change has that name, or several have.' },
  DATA_CHANGE_REFUSED: { exit: 1, means: 'A data change cannot be carried out in a target as it is written.' },
  DATA_CHANGE_FAILED: {
    exit: 1,
    means: 'A batch of a data change failed and was undone; the rows before it stay changed.',
  },
  DATA_CHANGE_STUCK: { exit: 1, means: 'The batches of a data change got nowhere, so it was stopped.' },
  SEEDS_UNREADABLE: {
    exit: 2,
    means: 'The folder of seeds is missing, or files in it cannot be used; all of them are listed.',
  },
  SEED_UNKNOWN: { exit: 2, means: 'No seed has that name, or several have.' },
  SEED_REFUSED: { exit: 1, means: 'A seed cannot be carried out in a target as it is written.' },
  SEED_FAILED: { exit: 1, means: 'A row or statement of a seed failed; nothing of its file stays in that target.' },
  BASELINE_UNPROVEN: {
    exit: 1,
    means: 'A migration that was to be marked as applied makes something that the target does not have.',
  },
  HISTORY_UNUSABLE: { exit: 1, means: 'The history table has a shape that migrations cannot be recorded in.' },
  CONNECTION_LOST: {
    exit: 1,
    means: 'The connection broke while a migration ran, and a retry was not safe or not enough.',
  },
  PHASE_BLOCKED: {
    exit: 1,
    means: 'A contract step waits, because not every active tenant is past the steps of its change that come before.',
  },
  POOLER_UNSUPPORTED: { exit: 1, means: 'A migration needs what a transaction pooler cannot give.' },
  BACKUP_FAILED: { exit: 1, means: 'The backup command of a target failed, so the target was not touched.' },
  STOPPED: { exit: 1, means: 'The target was not started, because a stop rule or an earlier set stopped the rollout.' },
  INTERRUPTED: { exit: 130, means: 'The run was interrupted; what was in flight was finished and recorded.' },
  FINDINGS: { exit: 3, means: 'The command found something that needs a person.' },
  ROLLOUT_UNKNOWN: { exit: 2, means: 'There is no rollout with that id.' },
  STORE_FAILED: { exit: 1, means: 'The state folder of the project could not be written.' },
  INTERNAL: { exit: 1, means: 'A defect of tenantry itself.' },
} as const satisfies Record<string, { exit: 1 | 2 | 3 | 130; means: string }>

export type ErrorCode = keyof typeof errorTable

/** Where something went wrong. Never holds credentials. */
export interface ErrorContext {
  tenant?: string
  target?: string
  set?: string
  migration?: string
  /** 1-based number of the statement within the file. */
  statement?: number
  /** 1-based line and column within the file; columns count characters. */
  line?: number
  column?: number
  file?: string
  /** The server's own code (SQLSTATE for PostgreSQL). */
  sqlstate?: string
  /** Further facts for machines; plain JSON values only. */
  [key: string]: unknown
}

export interface ErrorOptions {
  hint?: string | undefined
  cause?: unknown
  context?: ErrorContext | undefined
}

/** The JSON shape of an error in every document this project prints. */
export interface ErrorDocument {
  code: ErrorCode
  message: string
  hint: string | null
  context: ErrorContext
}

const brand = Symbol.for('tenantry.error')

/**
 * A failure with a code for programs, a message for people, and a hint that says what to do next.
 * Thrown for what stops a command; returned (in a result's `error`) for what belongs to one target.
 */
export class TenantryError extends Error {
  override readonly name = 'TenantryError'
  readonly code: ErrorCode
  readonly hint: string | null
  readonly context: ErrorContext
  readonly [brand] = true

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.hint = options.hint ?? null
    this.context = options.context ?? {}
  }

  toJSON(): ErrorDocument {
    return { code: this.code, message: this.message, hint: this.hint, context: this.context }
  }
}

/** True for errors of this package, also when two copies of it are loaded (no `instanceof`). */
export function isTenantryError(value: unknown): value is TenantryError {
  return typeof value === 'object' && value !== null && brand in value
}
