import { setTimeout as sleep } from 'node:timers/promises'
import { type Connection, DatabaseError, type ProbeVerdict } from '../../model/dialect.ts'
import { compareExisting } from './compare-existing.ts'
import { questionFor } from './probe-question.ts'
import { type Answer, judgeAnswers, type Question } from './probe-verdict.ts'

type Queries = Pick<Connection, 'query'>
type Checks = Extract<Question, { kind: 'checks' }>

const pollMs = 200

function notKnown(reason: string): ProbeVerdict {
  return { verdict: 'unknown', cleanup: [], reason }
}

/**
 * Another session that carries out this very text. Those of our own account are always to be seen. Compared here: the
 * text may hold a password, which a question of ours would show in the list of processes.
 */
async function findRunning(connection: Queries, text: string): Promise<number | null> {
  const rows = await connection.query(
    `SELECT ID AS id, INFO AS info FROM information_schema.PROCESSLIST
     WHERE ID <> CONNECTION_ID() AND DB = DATABASE() AND INFO IS NOT NULL`,
  )
  const row = rows.find(({ info }) => String(info).startsWith(text.trim()))
  return row === undefined ? null : Number(row.id)
}

async function askServer(connection: Queries, { checks }: Checks): Promise<Answer[]> {
  if (checks.length === 0) return []
  const columns = checks.map(({ landed, absent }, i) => `(${landed}) AS landed${i}, (${absent}) AS absent${i}`)
  const [row = {}] = await connection.query(`SELECT ${columns.join(', ')}`)
  return checks.map((_, i) => ({ landed: Number(row[`landed${i}`]) === 1, absent: Number(row[`absent${i}`]) === 1 }))
}

/** What drops several things one by one may have stopped between them: the others are still to be dropped. */
async function finishRest(connection: Queries, { finish = [] }: Checks): Promise<string[]> {
  if (finish.length === 0) return []
  const columns = finish.map(({ missing }, i) => `(${missing}) AS left${i}`)
  const [row = {}] = await connection.query(`SELECT ${columns.join(', ')}`)
  const left = finish.filter((_, i) => Number(row[`left${i}`]) === 1).map(({ sql }) => sql)
  return left.length === finish.length ? [] : left
}

async function judge(connection: Queries, text: string, question: Question): Promise<ProbeVerdict> {
  if (question.kind !== 'checks') return judgeAnswers(question, [])
  const answers = await askServer(connection, question)
  const left = await finishRest(connection, question)
  if (left.length > 0) return { verdict: 'landed', cleanup: left, reason: 'some of what it drops is gone' }
  const verdict = judgeAnswers(question, answers)
  if (verdict.verdict !== 'landed' || question.compare !== true) return verdict
  return (await compareExisting(connection, text, null)) === 'different'
    ? notKnown(`${verdict.reason}, but differs from what the statement makes`)
    : verdict
}

/**
 * Asks the server about a statement that was sent and never confirmed: did it land?
 *
 * An ALTER TABLE of several actions is atomic: all of them must agree. A session that still carries the statement out is
 * waited for up to `waitMs`; after that the verdict is `unknown`, with `runningIn`. Statements that commit as a whole
 * with a transaction need no such question. Must not be called inside a transaction.
 *
 * @param text the statement as it was sent
 * @param _schema always null: a database is a target here
 * @param options `waitMs`: how long to wait for a session that is still at work. Default 10,000
 * @throws {@link DatabaseError} when the connection is lost; what the server refuses is `unknown`
 */
export async function probeStatement(
  connection: Queries,
  text: string,
  _schema: string | null = null,
  options: { waitMs?: number } = {},
): Promise<ProbeVerdict> {
  const end = performance.now() + (options.waitMs ?? 10_000)
  try {
    for (;;) {
      const running = await findRunning(connection, text)
      if (running === null) return await judge(connection, text, questionFor(text))
      if (performance.now() >= end) {
        const reason = `session ${running} is still working on it: run again when it has ended`
        return { ...notKnown(reason), runningIn: running }
      }
      await sleep(pollMs)
    }
  } catch (error) {
    if (error instanceof DatabaseError && error.failure.kind === 'statement') {
      return notKnown(`the server could not be asked: ${error.failure.message}`)
    }
    throw error
  }
}
