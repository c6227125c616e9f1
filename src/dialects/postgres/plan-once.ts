import type { Connection } from '../../model/dialect.ts'

/** What a session was asked last, by name, and whether it keeps the plan. */
const asked = new WeakMap<Connection, Map<string, { question: string; planned: boolean }>>()

/** Sessions that do not keep what they prepare. */
const unplanned = new WeakSet<Connection>()

/**
 * Planning takes longer than looking at one small schema. Whoever asks the same thing again and again over a session of
 * its own (between one migration and the next) has it planned once.
 *
 * @param name of the prepared statement; a later question of the same name takes its place
 * @param ask sends what it is given, in one message
 */
export async function planOnce(
  connection: Connection,
  name: string,
  question: string,
  ask: (text: string) => Promise<Record<string, unknown>[]>,
): Promise<Record<string, unknown>[]> {
  if (unplanned.has(connection)) return ask(question)
  try {
    return await ask(textOf(connection, name, question))
  } catch (error) {
    // The session was reset, or a pooler gave us another one.
    if (!['26000', '42P05'].includes(sqlstateOf(error) ?? '')) throw error
    unplanned.add(connection)
    return ask(question)
  }
}

function textOf(connection: Connection, name: string, question: string): string {
  const own = asked.get(connection) ?? new Map<string, { question: string; planned: boolean }>()
  asked.set(connection, own)
  const last = own.get(name)
  if (last?.question === question) {
    if (last.planned) return `EXECUTE ${name}`
    last.planned = true
    return `PREPARE ${name} AS ${question}; EXECUTE ${name}`
  }
  own.set(name, { question, planned: false })
  return last?.planned === true ? `DEALLOCATE ${name}; ${question}` : question
}

export function sqlstateOf(error: unknown): string | null {
  const { failure } = error as { failure?: { sqlstate?: string | null } }
  return failure?.sqlstate ?? null
}
