import { commandsIn, readCodeBody, scanBody } from './code-body.ts'
import type { ParsedStatement, Token } from './parse.ts'
import { changesRole, readSetting } from './session-settings.ts'
import { branch, branches, nameParts, type Tree, textOf, walk, word } from './tree.ts'

/** What a statement leaves in its session, or does to its role. */
export interface Traces {
  leavesSession: boolean
  changesRole: boolean
}

/** A text without any of these words has no traces. */
const suspicious =
  /\b(set|set_config|reset|discard|temp|temporary|prepare|listen|load|hold|pg_advisory_lock|pg_try_advisory_lock|pg_advisory_lock_shared|pg_try_advisory_lock_shared)\b/i
const sessionLock = /^pg_(try_)?advisory_lock(_shared)?$/

function isTemporary(relation: Tree): boolean {
  return word(relation, 'relpersistence') === 't'
}

function leavesTemporary(type: string, node: Tree): boolean {
  switch (type) {
    case 'CreateStmt':
      return isTemporary(branch(node, 'relation')) && node.oncommit !== 'ONCOMMIT_DROP'
    case 'CreateTableAsStmt':
    case 'SelectStmt': {
      const into = branch(node, type === 'SelectStmt' ? 'intoClause' : 'into')
      return isTemporary(branch(into, 'rel')) && into.onCommit !== 'ONCOMMIT_DROP'
    }
    case 'ViewStmt':
      return isTemporary(branch(node, 'view'))
    case 'CreateSeqStmt':
      return isTemporary(branch(node, 'sequence'))
    default:
      return false
  }
}

const cursorWithHold = 0x20

function readCalls(node: Tree): Traces {
  const traces = { leavesSession: false, changesRole: false }
  for (const { type, node: call } of walk(node)) {
    if (type !== 'FuncCall') continue
    const name = nameParts(branches(call, 'funcname')).at(-1) ?? ''
    const [setting, , local] = branches(call, 'args')
    if (name === 'set_config') {
      const isLocal = branch(branch(local ?? {}, 'A_Const'), 'boolval').boolval === true
      if (!isLocal) traces.leavesSession = true
      if (['role', 'session_authorization'].includes(textOf(setting ?? {})?.toLowerCase() ?? '')) {
        traces.changesRole = true
      }
    } else if (sessionLock.test(name)) traces.leavesSession = true
  }
  return traces
}

/** Ends of argument lists: is the last argument of the call at `first` the word TRUE? */
function endsWithTrue(tokens: readonly Token[], first: number): boolean {
  let depth = 0
  for (let i = first + 1; i < tokens.length; i++) {
    const text = tokens[i]?.text
    if (text === '(') depth++
    else if (text === ')' && --depth === 0) return tokens[i - 1]?.text.toUpperCase() === 'TRUE'
  }
  return false
}

/** Settings made by the commands of a body, or by texts that look as if it executed them. */
function readBodyTraces(text: string): Traces {
  const traces = { leavesSession: false, changesRole: false }
  const note = (words: readonly string[]) => {
    const [first, second] = words
    if (first === 'RESET' || first === 'DISCARD') traces.leavesSession = true
    if (first !== 'SET' || second === undefined || ['TRANSACTION', 'CONSTRAINTS'].includes(second)) return
    const rest =
      second === 'LOCAL' || (second === 'SESSION' && words[2] !== 'AUTHORIZATION') ? words.slice(2) : words.slice(1)
    if (second !== 'LOCAL') traces.leavesSession = true
    if (rest[0] === 'ROLE' || (rest[0] === 'SESSION' && rest[1] === 'AUTHORIZATION')) traces.changesRole = true
  }
  const tokens = scanBody(text)
  for (const { words } of commandsIn(tokens)) note(words)
  for (const [i, token] of tokens.entries()) {
    if (token.name === 'SCONST')
      note(
        token.text
          .replace(/^([eE]?'|\$[^$]*\$)/, '')
          .trim()
          .toUpperCase()
          .split(/\s+/),
      )
    const name = token.text.toLowerCase()
    if (name === 'set_config') {
      if (!endsWithTrue(tokens, i)) traces.leavesSession = true
      const setting = tokens[i + 2]?.text.toLowerCase()
      if (setting === "'role'" || setting === "'session_authorization'") traces.changesRole = true
    } else if (sessionLock.test(name)) traces.leavesSession = true
  }
  return traces
}

/** Looks at one statement. What the compiler makes local itself is no trace. */
export function findTraces(statement: ParsedStatement, text: string): Traces {
  const { type, node } = statement
  if (!suspicious.test(text)) return { leavesSession: false, changesRole: false }
  const change = readSetting(statement)
  if (change) {
    return {
      leavesSession: change.effect === 'reset-all' || change.effect === 'call',
      changesRole: changesRole(change),
    }
  }
  if (['DiscardStmt', 'PrepareStmt', 'ListenStmt', 'LoadStmt'].includes(type) || leavesTemporary(type, node)) {
    return { leavesSession: true, changesRole: false }
  }
  if (type === 'DeclareCursorStmt') {
    return { leavesSession: (Number(node.options ?? 0) & cursorWithHold) !== 0, changesRole: false }
  }
  const body = readCodeBody(statement)
  if (body) return readBodyTraces(body.text)
  return readCalls(node)
}

/** For a text that does not parse: anything that looks like it. */
export function guessTraces(text: string): Traces {
  const setsRole = /\bset\s+(local\s+|session\s+)*(role|authorization)\b/i.test(text)
  return {
    leavesSession: true,
    changesRole: setsRole || (/set_config/i.test(text) && /'(role|session_authorization)'/i.test(text)),
  }
}
