import { createHash } from 'node:crypto'
import type { Connection, DatabaseFailure, HistoryReading, HistoryRequest } from '../../model/dialect.ts'
import {
  type HistoryEntry,
  type HistoryShape,
  type HistorySnapshot,
  type HistoryTableColumn,
  type LedgerEntry,
  ledgerTable,
} from '../../model/history.ts'
import { stateOfKind } from '../read-snapshot.ts'
import { PostgresConnection } from './connection.ts'
import { readFailure } from './failure.ts'
import { historyQuestion } from './history-question.ts'
import { quoteLiteral } from './quote.ts'

/** Up to this many targets, whole histories are fetched at once; more are first told apart by their digest. */
const fetchWholeUpTo = 40

/** Type oids of smallint, integer, bigint and numeric. */
const integerTypes = new Set(['21', '23', '20', '1700'])

interface Answer {
  defaultSchema: string | null
  answers: string[]
  lacking: Record<string, string> | null
}

/** How often one history per group is asked for, before all that are left are. */
const sampleRounds = 3

/**
 * Histories of many targets of one database, in one message (two, when there are many: equal histories are fetched
 * once). About 0.3 ms a schema; the backend keeps some 9 kB for each, so end such a connection after a large read.
 */
export async function readHistories(connection: Connection, request: HistoryRequest): Promise<HistoryReading> {
  const digest = request.targets.length > fetchWholeUpTo
  const first = await ask(connection, request, request.targets, digest)
  const answers = digest ? await fetchWhole(connection, request, first.answers) : first.answers
  const of = new Int32Array(request.targets.length).fill(-1)
  const failures = new Map<number, DatabaseFailure>()
  const distinct = new Map<string, number>()
  answers.forEach((answer, i) => {
    if (isMissing(answer)) return
    if (isFailure(answer)) {
      failures.set(i, unreadable(answer))
      return
    }
    const index = distinct.get(answer) ?? distinct.size
    distinct.set(answer, index)
    of[i] = index
  })
  const missingTables = new Map(
    Object.entries(first.lacking ?? {}).map(([i, names]) => [Number(i), names.split('\x1f')] as const),
  )
  return {
    snapshots: [...distinct.keys()].map((text) => readSnapshot(text, request.shape)),
    of,
    missingTables,
    failures,
    defaultSchema: first.defaultSchema ?? 'public',
  }
}

const isMissing = (answer: string) => answer === '-'
const isFailure = (answer: string) => answer.startsWith('!')

/**
 * Histories behind digests: one is asked for of each group of equal ones. Between the two questions another run may
 * have gone on, and what it did to one target must not be believed of the others: a text that does not have its
 * group's digest stands for its own target only.
 */
async function fetchWhole(
  connection: Connection,
  request: HistoryRequest,
  digests: readonly string[],
): Promise<readonly string[]> {
  const answers = [...digests]
  const groups = new Map<string, Set<number>>()
  digests.forEach((digest, i) => {
    if (isMissing(digest) || isFailure(digest)) return
    const group = groups.get(digest)
    if (group === undefined) groups.set(digest, new Set([i]))
    else group.add(i)
  })
  for (let round = 1; groups.size > 0; round++) {
    const asked = [...groups].flatMap(([digest, group]) =>
      (round <= sampleRounds ? [...group].slice(0, 1) : [...group]).map((i) => ({ digest, i })),
    )
    const targets = asked.map(({ i }) => request.targets[i] ?? null)
    const texts = (await ask(connection, request, targets, false)).answers
    asked.forEach(({ digest, i }, at) => {
      const text = texts[at] as string
      answers[i] = text
      const group = groups.get(digest)
      group?.delete(i)
      if (group !== undefined && createHash('md5').update(text).digest('hex') === digest) {
        for (const other of group) answers[other] = text
        group.clear()
      }
      if (group?.size === 0) groups.delete(digest)
    })
  }
  return answers
}

async function ask(
  connection: Connection,
  request: HistoryRequest,
  targets: readonly (string | null)[],
  digest: boolean,
): Promise<Answer> {
  const { shape } = request
  const question = JSON.stringify({
    targets,
    schema: request.schema,
    table: request.table,
    ledgerTable,
    ledger: request.ledger,
    key: shape.key,
    checksum: shape.checksum,
    batch: shape.batch,
    logs: shape.logs ?? null,
    flag: shape.flag?.column ?? null,
    keyElse: shape.keyElse ?? null,
    nameKey: shape.nameKey ?? null,
    kind: shape.kinds?.column ?? null,
    finishedAt: shape.finishedAt,
    rolledBackAt: shape.rolledBackAt,
    order: shape.order,
    required: request.requiredTables,
    lockTimeoutMs: request.lockTimeoutMs,
    digest,
  })
  // One message is one implicit transaction: local settings carry from statement to statement.
  const rows = await connection.run(
    `SELECT set_config('tenantry.ask', ${quoteLiteral(question)}, true),
      set_config('tenantry.home', current_schema()::text, true), set_config('search_path', '', true);
    ${historyQuestion}; SELECT current_setting('tenantry.answer') AS answer, pg_backend_pid() AS pid`,
  )
  if (connection instanceof PostgresConnection) connection.answeredBy(Number(rows[0]?.pid))
  return JSON.parse(String(rows[0]?.answer)) as Answer
}

function unreadable(answer: string): DatabaseFailure {
  const [, code = 'XX000', message = ''] = /^!(\w{5}) (.*)$/s.exec(answer) ?? []
  const failure = readFailure({ severity: 'ERROR', code, message }, true)
  return { ...failure, message: `the history cannot be read: ${message}` }
}

function readSnapshot(text: string, shape: HistoryShape): HistorySnapshot {
  const { flag } = shape
  const [table = '', hasLedger = '', rows = '', ledgerRows = ''] = text.split('\x1d')
  const columns = table === '' ? null : table.split('\x1e').slice(1).map(readColumn)
  return Object.freeze({
    columns,
    entries: records(rows).map(
      ([key = '', checksum = '', state, batch = '', logs = '', kind = '', repeats = '']): HistoryEntry => {
        const flagged = state === 'y' || state === 'n' ? flag?.[state === 'y' ? 'yes' : 'no'] : undefined
        const failed = flagged === 'failed' || state === 'f'
        return {
          key,
          checksum: checksum === '' ? null : checksum,
          state: failed ? 'failed' : (stateOfKind(shape, kind) ?? flagged ?? 'applied'),
          ...(batch === '' ? {} : { batch: Number(batch) }),
          ...(logs === '' ? {} : { logs }),
          ...(repeats === '' ? {} : { repeats: true }),
        }
      },
    ),
    hasLedger: hasLedger === 't',
    ledger: records(ledgerRows).map(
      ([migration = '', checksum = '', state = '', done = '0', total = '0', prefix = '', rollout]): LedgerEntry => ({
        migration,
        checksum,
        state: state as LedgerEntry['state'],
        statementsDone: Number(done),
        statementsTotal: Number(total),
        prefix,
        rollout: rollout ?? null,
      }),
    ),
  })
}

function records(text: string): string[][] {
  return text === '' ? [] : text.split('\x1e').map((row) => row.split('\x1f'))
}

function readColumn(text: string): HistoryTableColumn {
  const [name = '', type = '', notNull, hasDefault] = text.split('\x1f')
  return {
    name,
    type: integerTypes.has(type) ? 'integer' : 'other',
    notNull: notNull === 't',
    hasDefault: hasDefault === 't',
  }
}
