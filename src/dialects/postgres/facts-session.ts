import type { StatementFact } from '../../model/statement-facts.ts'
import type { ParsedStatement } from './parse.ts'
import { findTraces } from './session-leaks.ts'
import { readSetting, type SettingChange } from './session-settings.ts'

const rests: Record<string, string> = {
  PrepareStmt: 'a prepared statement',
  ListenStmt: 'LISTEN',
  LoadStmt: 'a loaded library',
  DiscardStmt: 'DISCARD',
  DeclareCursorStmt: 'a cursor WITH HOLD',
  CreateStmt: 'a temporary table',
  CreateTableAsStmt: 'a temporary table',
  ViewStmt: 'a temporary view',
  CreateSeqStmt: 'a temporary sequence',
  DoStmt: 'what its program sets',
}

/** What one statement leaves in its session, read once for the file, since a later RESET takes a setting back. */
export interface SessionStep {
  /** Position of the statement. */
  position: number
  change: SettingChange | null
  facts: StatementFact[]
}

function readStep(statement: ParsedStatement, text: string, position: number): SessionStep | null {
  const change = readSetting(statement)
  if (change !== null) {
    const sets = change.effect === 'set' || change.effect === 'call'
    const facts: StatementFact[] = sets
      ? [{ kind: 'session-setting', setting: change.name, local: change.local }]
      : change.effect === 'later-transactions'
        ? [{ kind: 'session-setting', setting: change.name, local: false }]
        : []
    return { position, change, facts }
  }
  // A function's body runs when it is called.
  if (statement.type === 'CreateFunctionStmt') return null
  const { leavesSession, changesRole } = findTraces(statement, text)
  if (changesRole)
    return { position, change: null, facts: [{ kind: 'session-setting', setting: 'role', local: false }] }
  if (!leavesSession) return null
  const what = rests[statement.type] ?? 'a session lock or a setting'
  return { position, change: null, facts: [{ kind: 'session-rest', what }] }
}

/** Facts about the session for each statement that has some. What the file itself takes back is left out. */
export function readSessionFacts(
  statements: readonly ParsedStatement[],
  textOf: (statement: ParsedStatement) => string,
): Map<number, StatementFact[]> {
  const steps = statements.flatMap((statement, position) => readStep(statement, textOf(statement), position) ?? [])
  const facts = new Map<number, StatementFact[]>()
  for (const { position, change, facts: own } of steps) {
    const isTakenBack = steps.some(
      (later) =>
        later.position > position &&
        later.change !== null &&
        (later.change.effect === 'reset-all' ||
          (later.change.effect === 'reset' && later.change.name === change?.name)),
    )
    if (own.length > 0 && !(isTakenBack && change !== null)) facts.set(position, own)
  }
  return facts
}
