import type { Edit } from './edits.ts'
import { type ParsedStatement, scanSql } from './parse.ts'
import { quoteIdentifier } from './quote.ts'
import { type Source, sliceSource } from './render.ts'
import { branch, branches, nameParts, type Tree, textOf, word } from './tree.ts'

/** What a statement does to the settings of its session. */
export interface SettingChange {
  /** Lower case; `*` for all of them. */
  name: string
  /**
   * `set`, `reset`: one setting. `reset-all`: all of them. `call`: a bare `SELECT set_config(…, false)`.
   * `transaction`: the isolation of the running transaction. `later-transactions`: that of all that follow.
   */
  effect: 'set' | 'reset' | 'reset-all' | 'call' | 'transaction' | 'later-transactions'
  /** It ends with its transaction anyway. */
  local: boolean
  /** The value, where it is one constant. */
  value: string | null
}

/** Isolation level asked for in `BEGIN …` or `SET TRANSACTION …`; null when it is PostgreSQL's usual one. */
export function readIsolation(node: Tree, key: 'options' | 'args'): string | null {
  for (const item of branches(node, key)) {
    const option = branch(item, 'DefElem')
    if (word(option, 'defname') !== 'transaction_isolation') continue
    const level = textOf(branch(option, 'arg'))
    if (level === 'serializable' || level === 'repeatable read') return level.toUpperCase()
  }
  return null
}

function readCall(node: Tree): SettingChange | null {
  const targets = branches(node, 'targetList')
  const call = branch(branch(branch(targets[0] ?? {}, 'ResTarget'), 'val'), 'FuncCall')
  if (targets.length !== 1 || 'fromClause' in node || nameParts(branches(call, 'funcname')).at(-1) !== 'set_config') {
    return null
  }
  const [name, value, local] = branches(call, 'args')
  const setting = textOf(name ?? {})
  const isLocal = branch(branch(local ?? {}, 'A_Const'), 'boolval').boolval === true
  return setting === null || isLocal
    ? null
    : { name: setting.toLowerCase(), effect: 'call', local: false, value: textOf(value ?? {}) }
}

/** null: the statement changes no setting. */
export function readSetting({ type, node }: Pick<ParsedStatement, 'type' | 'node'>): SettingChange | null {
  if (type === 'SelectStmt') return readCall(node)
  if (type !== 'VariableSetStmt') return null
  const name = word(node, 'name')?.toLowerCase() ?? '*'
  const local = node.is_local === true
  const values = branches(node, 'args')
  const value = values.length === 1 ? textOf(values[0] ?? {}) : null
  switch (word(node, 'kind')) {
    case 'VAR_SET_MULTI':
      return { name, effect: name === 'session characteristics' ? 'later-transactions' : 'transaction', local, value }
    case 'VAR_RESET':
    case 'VAR_SET_DEFAULT':
      return { name, effect: 'reset', local, value: null }
    case 'VAR_RESET_ALL':
      return { name: '*', effect: 'reset-all', local: false, value: null }
    default:
      return { name, effect: 'set', local, value }
  }
}

export function changesRole({ name, effect }: SettingChange): boolean {
  return effect !== 'reset-all' && (name === 'role' || name === 'session_authorization')
}

/** Where targets are schemas, the default search path is not the server's but that of the target. */
export interface SettingOptions {
  schemaTargets: boolean
  sharedSchema: string
}

type Parts = Edit['parts']

function toDefault(name: string, options: SettingOptions): Parts {
  if (name !== 'search_path' || !options.schemaTargets) {
    return [`${name.split('.').map(quoteIdentifier).join('.')} TO DEFAULT`]
  }
  return ['search_path TO ', { as: 'identifier', quoteDepth: 0 }, `, ${quoteIdentifier(options.sharedSchema)}`]
}

/** RESET ALL as one statement that undoes what the file itself has set, and nothing of ours. */
function resetEach(names: readonly string[], options: SettingOptions): Parts {
  const commands = names.flatMap((name): Parts => ['SET LOCAL ', ...toDefault(name, options), '; '])
  // In plain quotes: inside of dollar quotes a schema's name that holds the tag could not be escaped.
  const quoted = commands.map((part) =>
    typeof part === 'string' ? part.replaceAll("'", "''") : { ...part, quoteDepth: part.quoteDepth + 1 },
  )
  return ["DO 'BEGIN ", ...quoted, "END'"]
}

/**
 * Edits that make a setting end with its transaction. `earlier`: what the file has set so far, for RESET ALL.
 * Empty: it is local already.
 */
export function makeLocal(
  source: Source,
  statement: ParsedStatement,
  change: SettingChange,
  earlier: readonly string[],
  options: SettingOptions,
): Edit[] {
  const { start, end } = statement
  const whole = (parts: Parts): Edit[] => [{ start, end, parts, kind: 'local' }]
  if (change.effect === 'transaction' || change.effect === 'call') return []
  if (change.effect === 'reset-all') return whole(resetEach(earlier, options))
  if (change.effect === 'reset') return whole(['SET LOCAL ', ...toDefault(change.name, options)])
  if (change.local) return []
  const text = sliceSource(source, start, end)
  // The usual spelling, told without the scanner: a word that is not SESSION follows at once.
  if (/^set +(?!session\b)[a-z]/i.test(text))
    return [{ start: start + 3, end: start + 3, parts: [' LOCAL'], kind: 'local' }]
  const [set, modifier, next] = scanSql(text).filter(({ name }) => name !== 'SQL_COMMENT' && name !== 'C_COMMENT')
  if (!set) return []
  const nextWord = next?.text.toUpperCase() ?? ''
  // SET SESSION AUTHORIZATION, and parameters of an application's own that are called `session.…`
  const isModifier = modifier?.text.toUpperCase() === 'SESSION' && !['AUTHORIZATION', '.', '=', 'TO'].includes(nextWord)
  return isModifier && modifier
    ? [{ start: start + modifier.start, end: start + modifier.end, parts: ['LOCAL'], kind: 'local' }]
    : [{ start: start + set.end, end: start + set.end, parts: [' LOCAL'], kind: 'local' }]
}

/** The same for a statement outside a transaction: plain, but a default search path is that of the target. */
export function keepPlain(statement: ParsedStatement, change: SettingChange, options: SettingOptions): Edit[] {
  if (change.effect !== 'reset' || change.name !== 'search_path' || !options.schemaTargets) return []
  return [
    { start: statement.start, end: statement.end, parts: ['SET ', ...toDefault(change.name, options)], kind: 'local' },
  ]
}
