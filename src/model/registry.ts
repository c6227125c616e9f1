import type { Dialect } from './dialect.ts'
import type { Secret } from './secret.ts'
import type { ServerAddress } from './server.ts'
import type { Target, Tenant, TenantState } from './tenant.ts'

/**
 * The registry's database, whichever kind it is. A question mark stands for each value, on every dialect; a text never
 * holds one otherwise. Throws `DatabaseError` for what the server refuses; SERVER_UNREACHABLE, CONNECTION_LOST and the
 * like, which name the registry, where it cannot be asked.
 */
export interface RegistryDatabase {
  readonly dialect: Dialect
  query(sql: string, values?: readonly RegistryValue[]): Promise<Record<string, unknown>[]>
  /**
   * One session, one transaction: committed when `work` returns, rolled back when it throws. What reads first and writes
   * then is safe against others (`SERIALIZABLE`, or `BEGIN IMMEDIATE`); it is run again where the server asks for that.
   */
  transaction<T>(work: (query: RegistryDatabase['query']) => Promise<T>): Promise<T>
  close(): Promise<void>
}

export type RegistryValue = string | number | null

/** Who did something, for the audit table. */
export interface Actor {
  /** TENANTRY_ACTOR, else `user@host`. */
  name: string
}

/** Which states follow which. `removing` ends with the row gone or archived. */
export const tenantTransitions: Readonly<Record<TenantState, readonly TenantState[]>> = {
  provisioning: ['active', 'failed', 'removing'],
  active: ['suspended', 'archived', 'removing'],
  suspended: ['active', 'archived', 'removing'],
  failed: ['provisioning', 'removing', 'archived'],
  archived: ['active', 'suspended', 'removing'],
  removing: ['archived'],
}

/** A tenant as the registry has it. */
export interface TenantRecord extends Tenant {
  name?: string
  /**
   * Host of its own, where its row names one instead of a server of the config: connections go there, and the targets'
   * server is named `host:port`.
   */
  address: { host: string; port: number } | null
  /** ISO time; null where a team's own table has no such column. */
  createdAt: string | null
  updatedAt: string | null
}

export interface NewTenantRecord {
  /** Default: a random UUID. */
  id?: string
  slug: string
  name?: string | null
  topology: Tenant['topology']
  labels?: Readonly<Record<string, string>>
  state: TenantState
  placement: Tenant['placement']
  /**
   * Written in the same transaction as the tenant, with its own audit line (`credential`). Absent: it has none. Never a
   * sealed text: that is bound to an id which may not be there yet.
   */
  credential?: Pick<StoredCredential, 'user' | 'reference'>
}

/** What may be changed of a tenant; absent: it stays. */
export interface TenantChange {
  state?: TenantState
  name?: string | null
  labels?: Readonly<Record<string, string>>
  placement?: Tenant['placement']
}

export interface TenantFilter {
  /** Default: every state. */
  states?: readonly TenantState[]
}

/** A credential as it is stored; nothing of it is secret by itself. */
export interface StoredCredential {
  tenantId: string
  user: string | null
  /** Sealed text (`tenantry:v1:…`), or an AES-256-CBC value of the team's own application; null: none, or a reference. */
  sealed: string | null
  /** `env:NAME`, `file:/path` or `command:…`, resolved when a connection is made; null: a stored value. */
  reference: string | null
}

/** One line of the audit table. Never holds a credential. */
export interface AuditEntry {
  at: string
  actor: string
  tenantId: string
  slug: string
  /** `add`, `state`, `labels`, `placement`, `credential`, `rotate`, `remove`, … */
  action: string
  from: string | null
  to: string | null
}

/**
 * The book of tenants: our own tables, or a team's own table with ours beside it for what it has no column for. Every
 * change writes its audit line in the same transaction.
 */
export interface TenantStore {
  /** In the order of ids, read in pages: memory stays flat. */
  list(filter?: TenantFilter): AsyncIterable<TenantRecord>
  /** Up to `limit` tenants with ids after `after`, in the order of ids. */
  page(filter: TenantFilter, after: string | null, limit: number): Promise<TenantRecord[]>
  find(idOrSlug: string): Promise<TenantRecord | null>
  /**
   * Ids of a team's rows that are no tenants here and name the database of this one, as far as can be told on the same
   * host. Absent: every row is a tenant.
   */
  leftOut?(tenant: TenantRecord): Promise<readonly string[]>
  /** All at once, or none. Throws TENANT_EXISTS (slug, id or placement taken). */
  add(tenants: readonly NewTenantRecord[], actor: Actor): Promise<TenantRecord[]>
  /**
   * @param expected its state as the caller saw it. Throws TENANT_STATE where it is another one by now, or where the
   *   transition is not among {@link tenantTransitions}.
   * @param within asks and writes in the same transaction, before the change; what it throws undoes all of it. May be
   *   run again
   */
  change(
    id: string,
    expected: TenantState,
    change: TenantChange,
    actor: Actor,
    within?: (query: RegistryDatabase['query']) => Promise<void>,
  ): Promise<TenantRecord>
  /** Takes the row away; its audit lines stay. Only from `removing` or `provisioning`. */
  remove(id: string, actor: Actor): Promise<void>
  /** Of these tenants; those that have none are not in it. */
  readCredentials(ids: readonly string[]): Promise<Map<string, StoredCredential>>
  /** Up to `limit` stored credentials with tenant ids after `after`, in the order of ids. */
  pageCredentials(after: string | null, limit: number): Promise<StoredCredential[]>
  /**
   * Writes credentials, each only where its stored text is still what `was` says (null: there was none; absent: whatever
   * it was). Gives how many were written. One transaction.
   */
  writeCredentials(
    credentials: readonly { credential: StoredCredential; was?: string | null }[],
    action: 'credential' | 'rotate',
    actor: Actor,
  ): Promise<number>
  audit(idOrSlug: string): Promise<AuditEntry[]>
}

/** A key, and the name by which sealed texts refer to it. Prints as its id. */
export interface SealingKey {
  /** The first 8 hex digits of a hash of the key: tells keys apart, tells nothing of the key. */
  id: string
  secret: Secret
  /** 32 bytes. Not enumerable, never logged. */
  bytes(): Buffer
}

export interface KeyRing {
  /** Seals; null: none is set. */
  current: SealingKey | null
  /** Opens, too, during a rotation. */
  previous: readonly SealingKey[]
  /** Opens and writes AES-256-CBC values; null: none is set. */
  cbc: SealingKey | null
}

/** What a connection logs in with. */
export interface Credential {
  user: string | null
  password: Secret | null
}

/** The credentials of tenants whose servers have none of their own. */
export interface CredentialBook {
  /**
   * Opens what these targets need, all of it before any of them is touched. Throws CREDENTIAL_UNREADABLE, KEY_INVALID;
   * references are resolved here, too.
   *
   * @param others tenants that were not selected and whose databases may be looked into all the same: opened when
   *   {@link CredentialBook.of} is asked for them, and left without a credential where that fails
   */
  open(targets: readonly Target[], others?: readonly Tenant[]): Promise<void>
  /** What to log in with; null: what the server's address says. */
  of(server: ServerAddress, database: string): Promise<Credential | null>
  /**
   * What an application logs in with for this tenant: its own, whoever the server's address names; null: it has none.
   * Read anew each time. Throws CREDENTIAL_UNREADABLE, KEY_INVALID.
   */
  ofTenant(tenant: Tenant): Promise<Credential | null>
  /** Another book of the same registry: tenants of one database that are opened in two books may be different roles. */
  alone(): CredentialBook
}
