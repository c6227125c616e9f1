import { setTimeout as sleep } from 'node:timers/promises'
import type { Node } from 'libpg-query'
import { type Connection, DatabaseError, type ProbeVerdict } from '../../model/dialect.ts'
import { compareExisting } from './compare-existing.ts'
import { loadParser, parseSql, SqlSyntaxError } from './parse.ts'
import { checksFor } from './probe-question.ts'
import { type Answer, type Check, judgeAnswers, type Question } from './probe-verdict.ts'
import { searchPathValue } from './search-path.ts'

const pollMs = 200

function askText(check: Check, index: number): string {
  const parts = [
    `coalesce((${check.landed}), false)`,
    `coalesce((${check.absent}), false)`,
    check.leftovers ?? 'ARRAY[]::text[]',
    check.busy ?? 'NULL::int',
  ]
  return `json_build_array(${parts.join(', ')})::text AS a${index}`
}

/** One statement. The search path is set, for it alone, before anything that depends on it is looked up. */
function questionText(checks: readonly Check[], schema: string | null): string {
  return `WITH path AS MATERIALIZED (SELECT set_config('search_path', ${searchPathValue(schema)}, true) AS value)
    SELECT ${checks.map(askText).join(', ')} FROM path WHERE value IS NOT NULL`
}

function readAnswer(value: unknown): Answer {
  const [landed, absent, leftovers, busy] = JSON.parse(String(value)) as [boolean, boolean, string[], number | null]
  return { landed, absent, leftovers, busy }
}

function notKnown(reason: string): ProbeVerdict {
  return { verdict: 'unknown', cleanup: [], reason }
}

/**
 * With nothing on the search path while the question is read, so that no function or operator of a tenant's can take
 * the place of the server's own; names in it are looked up later, on the path that it sets.
 */
async function askOnce(connection: Pick<Connection, 'query'>, text: string): Promise<Record<string, unknown>> {
  await connection.query('BEGIN')
  try {
    await connection.query("SELECT set_config('search_path', '', true)")
    const [row = {}] = await connection.query(text)
    return row
  } finally {
    // Where the connection is lost, the error of the question says so.
    await connection.query('ROLLBACK').catch(() => [])
  }
}

/** Asks again, from here, while a session is at work: waiting inside the server would hold up concurrent index builds. */
async function askWhileRunning(
  connection: Pick<Connection, 'query'>,
  question: Extract<Question, { kind: 'checks' }>,
  schema: string | null,
  waitMs: number,
): Promise<ProbeVerdict> {
  const text = questionText(question.checks, schema)
  const end = performance.now() + waitMs
  for (;;) {
    const row = await askOnce(connection, text)
    const verdict = judgeAnswers(
      question,
      question.checks.map((_, index) => readAnswer(row[`a${index}`])),
    )
    if (verdict.runningIn === undefined || performance.now() >= end) return verdict
    await sleep(pollMs)
  }
}

/**
 * Asks the catalog about a statement that was sent and never confirmed: did it land?
 *
 * Must not be called inside a transaction. One query; what only the server's own rendering can tell (expressions, predicates) takes a second look through
 * {@link compareExisting}. A concurrent index build that still runs, and a session that changes the table in question or
 * waits to, are waited for up to `waitMs`; after that the verdict is `unknown`, with `runningIn`. Nothing is promised
 * about other statements that still run, such as a CREATE TABLE AS. The verdict may come with a `cleanup` when it is `rebuild` (run
 * it, then the statement) and when it is `landed` (run it, and the statement is complete: a pending detach).
 *
 * @param sqlText the statement as it was sent
 * @param schema the target's schema; null: the connection's default search path
 * @param options `waitMs`: how long to wait for a session that is still at work. Default 10,000
 * @throws {@link DatabaseError} when the connection is lost; what the server refuses is `unknown`
 */
export async function probeStatement(
  connection: Pick<Connection, 'query'>,
  sqlText: string,
  schema: string | null,
  options: { waitMs?: number } = {},
): Promise<ProbeVerdict> {
  await loadParser()
  let statements: ReturnType<typeof parseSql>['statements']
  try {
    statements = parseSql(sqlText).statements
  } catch (error) {
    if (error instanceof SqlSyntaxError) return notKnown('its grammar is not known here')
    throw error
  }
  const [statement] = statements
  if (!statement) return { verdict: 'repeat', cleanup: [], reason: 'it is empty' }
  if (statements.length > 1) return notKnown('it is more than one statement')
  const question = checksFor({ [statement.type]: statement.node } as unknown as Node)
  if (question.kind !== 'checks') return judgeAnswers(question, [])
  try {
    const verdict = await askWhileRunning(connection, question, schema, options.waitMs ?? 10_000)
    if (verdict.verdict !== 'landed' || verdict.cleanup.length > 0 || !question.compare) return verdict
    const comparison = await compareExisting(connection, sqlText, schema)
    if (comparison === 'equal') return verdict
    if (comparison === 'unknown') {
      return notKnown(`${verdict.reason}; whether it equals what the statement makes cannot be compared here`)
    }
    const reason = question.checks[0]?.otherwise ?? verdict.reason
    return question.compare === 'absent'
      ? { verdict: 'absent', cleanup: [], reason: question.checks[0]?.missing ?? reason }
      : notKnown(reason)
  } catch (error) {
    if (error instanceof DatabaseError && error.failure.kind === 'statement') {
      return notKnown(`the catalog could not be asked: ${error.failure.message}`)
    }
    throw error
  }
}

/**
 * Statements that clear away what a failed statement left behind: an invalid index of a concurrent build. Empty: there
 * is nothing. For failures with an error, where it is certain that the statement did not land.
 *
 * @throws {@link DatabaseError} when the connection is lost
 */
export async function findInvalidLeftover(
  connection: Pick<Connection, 'query'>,
  sqlText: string,
  schema: string | null,
): Promise<readonly string[]> {
  const { verdict, cleanup } = await probeStatement(connection, sqlText, schema)
  return verdict === 'rebuild' ? cleanup : []
}
