import { createHash, randomUUID } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import type { Blocker } from '../../model/dialect.ts'
import { leaseTable } from '../../model/lease.ts'
import type { Row } from './driver.ts'
import { refusals, refuseUnless } from './failure.ts'
import { quoteLiteral } from './quote.ts'

/**
 * How long a lease is good for without being renewed. Whoever holds one renews it in each transaction, and every
 * {@link renewEveryMs} between them.
 */
export const leaseMs = 60_000
export const renewEveryMs = 15_000

const table = `main.${leaseTable}`

/** The server's clock: those of runners need not agree. */
const nowMs = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"

/** Rows without a key are of a transaction that is open: see {@link rewrite}. None of them is ever committed. */
export const makeTable = `CREATE TABLE IF NOT EXISTS ${table} (key TEXT UNIQUE, holder TEXT, until INTEGER, pid INTEGER,
  host TEXT, machine TEXT, application TEXT, since TEXT, token TEXT, began REAL)`

export const forgetStep = `DELETE FROM ${table} WHERE key IS NULL`

/**
 * A remote server has no temporary tables: what phrases keep in one (the transaction that is ours, and when it began) is
 * kept in a row that the transaction takes away itself before it commits.
 */
export function rewrite(text: string): string {
  if (!text.includes(stepTable)) return text
  const insert = `INSERT INTO ${stepTable} VALUES (`
  return text.startsWith(insert)
    ? `INSERT INTO ${table} (token, began) VALUES (${text.slice(insert.length)}`
    : text.replaceAll(`FROM ${stepTable}`, `FROM (SELECT token, began FROM ${table} WHERE key IS NULL)`)
}

const stepTable = 'temp.tenantry_step'

export function beginsStep(text: string): boolean {
  return text.startsWith(`INSERT INTO ${stepTable} `)
}

/** Tokens of the leases that sessions of this process hold. */
const held = new Set<string>()

/** Begins the tokens: another thread of this process, or another copy of this module, holds leases of its own. */
const bookId = randomUUID()

/** A lease on a target's lock. */
export interface Lease {
  readonly key: string
  /** Nobody else's. */
  readonly holder: string
}

export function newLease(key: string): Lease {
  const holder = `${bookId}:${randomUUID()}`
  held.add(holder)
  return { key, holder }
}

/** From now on it may be taken over at once. */
export function giveUp({ holder }: Lease): void {
  held.delete(holder)
}

/**
 * The place that numbers of processes are of: this boot of this machine, and the container within it. Two with the same
 * host name are told apart; where the system does not tell them apart (it is not Linux, or `/proc` is not its own), every
 * process is a place by itself, and no other is taken for dead.
 */
export function identifyMachine(host: string, bootId: string, pidNamespace: string): string {
  const told = bootId.trim() !== '' && pidNamespace !== '' ? [bootId, pidNamespace] : [bookId, '']
  return createHash('sha256')
    .update([host, ...told].join('\0'))
    .digest('hex')
    .slice(0, 16)
}

const machine = identifyMachine(
  hostname(),
  attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')),
  attempt(() => readlinkSync('/proc/self/ns/pid')),
)

function attempt(read: () => string): string {
  try {
    return read()
  } catch {
    return ''
  }
}

/** Statements that take it, each outside of a transaction; `locked` where somebody has it. Who only looks waits for nobody. */
export function takeSql({ key, holder }: Lease, applicationName: string): string[] {
  const name = quoteLiteral(key)
  const values = [name, quoteLiteral(holder), `${nowMs} + ${leaseMs}`, process.pid, quoteLiteral(hostname())]
  const more = [quoteLiteral(machine), quoteLiteral(applicationName), "strftime('%Y-%m-%dT%H:%M:%SZ', 'now')"]
  const columns = ['holder', 'until', 'pid', 'host', 'machine', 'application', 'since']
  const taken = `EXISTS (SELECT 1 FROM ${table} WHERE key = ${name} AND until > ${nowMs})`
  return [
    makeTable,
    `SELECT ${refuseUnless(`NOT ${taken}`, refusals.locked, 0)}`,
    `INSERT INTO ${table} (key, ${columns.join(', ')}) VALUES (${[...values, ...more].join(', ')})
  ON CONFLICT (key) DO UPDATE SET ${columns.map((one) => `${one} = excluded.${one}`).join(', ')} WHERE until <= ${nowMs}`,
    `SELECT ${refuseUnless(`EXISTS (SELECT 1 FROM ${table} WHERE key = ${name} AND holder = ${quoteLiteral(holder)})`, refusals.locked, 0)}`,
  ]
}

/** Within a transaction: fails with `locked` where the lease is no longer ours, and makes it good for longer. */
export function holdSql(lease: Lease): string[] {
  return [checkSql(lease), renewSql(lease)]
}

/** Fails with `locked` where the lease is no longer ours. */
export function checkSql(lease: Lease): string {
  return `SELECT ${refuseUnless(`EXISTS (SELECT 1 FROM ${table} WHERE ${isMine(lease)})`, refusals.locked, 0)}`
}

export function renewSql(lease: Lease): string {
  return `UPDATE ${table} SET until = ${nowMs} + ${leaseMs} WHERE ${isMine(lease)}`
}

export function releaseSql(lease: Lease): string {
  return `DELETE FROM ${table} WHERE ${isMine(lease)}`
}

const isMine = ({ key, holder }: Lease) => `key = ${quoteLiteral(key)} AND holder = ${quoteLiteral(holder)}`

export function holderSql(key: string): string {
  return `SELECT key, holder, pid, host, machine, application, since, until - ${nowMs} AS left_ms FROM ${table} WHERE key = ${quoteLiteral(key)} AND until > ${nowMs}`
}

/** Its process was on this machine, and has ended, or it is a lease that we gave up: nobody renews it any more. */
export function isAbandoned(row: Row): boolean {
  if (row.machine !== machine) return false
  const holder = String(row.holder)
  if (Number(row.pid) !== process.pid) return !lives(Number(row.pid))
  return holder.startsWith(bookId) && !held.has(holder)
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

export function describeHolder({ pid, host, application, since, left_ms: leftMs }: Row): Blocker {
  const seconds = Math.ceil(Number(leftMs) / 1000)
  return {
    sessionId: Number(pid),
    applicationName: String(application),
    user: `pid ${pid} on ${host}`,
    since: String(since),
    state: `its lease ends in ${seconds} s unless it renews it`,
  }
}
