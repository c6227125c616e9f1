import type { ParsedStatement } from './parse.ts'
import type { Finding } from './refuse.ts'
import { readIsolation, type SettingChange } from './session-settings.ts'
import { branch, branches, word } from './tree.ts'

const isolationHint = 'lock what must not change (LOCK TABLE, SELECT … FOR UPDATE) instead'

/** Options of the file's own BEGIN, which is not sent: what they would have meant. */
export function noticeBegin({ node }: Pick<ParsedStatement, 'node'>, line: number): Finding | null {
  const isolation = readIsolation(node, 'options')
  if (isolation !== null) {
    return {
      rule: 'isolation-level',
      message: `BEGIN ISOLATION LEVEL ${isolation} (line ${line}) runs as READ COMMITTED: the level can only be set before the history is checked`,
      hint: isolationHint,
      line,
    }
  }
  const isReadOnly = branches(node, 'options').some((item) => {
    const option = branch(item, 'DefElem')
    const value = branch(branch(branch(option, 'arg'), 'A_Const'), 'ival').ival
    return word(option, 'defname') === 'transaction_read_only' && value === 1
  })
  if (!isReadOnly) return null
  const message = `READ ONLY (line ${line}) is left out: the migration is recorded in the same transaction`
  return { rule: 'read-only', message, line }
}

/** Why a setting is left out of the script; null: it is not. */
export function dropSetting(statement: ParsedStatement, change: SettingChange, line: number): Finding | null {
  if (change.effect === 'later-transactions') {
    return {
      rule: 'session-characteristics',
      message: `SET SESSION CHARACTERISTICS (line ${line}) is left out: it would only reach other migrations`,
      hint: isolationHint,
      line,
    }
  }
  if (change.effect === 'transaction') {
    const isolation = readIsolation(statement.node, 'args')
    if (isolation === null) return null
    return {
      rule: 'isolation-level',
      message: `SET TRANSACTION ISOLATION LEVEL ${isolation} (line ${line}) is left out, so it runs as READ COMMITTED: the level can only be set before the history is checked`,
      hint: isolationHint,
      line,
    }
  }
  if (
    change.name === 'client_encoding' &&
    change.effect !== 'reset' &&
    !/^(utf-?8|unicode)$/i.test(change.value ?? '')
  ) {
    return {
      rule: 'client-encoding',
      message: `client_encoding = ${change.value ?? '…'} (line ${line}) is left out: files are sent as UTF-8`,
      line,
    }
  }
  return null
}

/** Settings under which the server would read the file in another way than the parser here. */
export function noticeSetting(change: SettingChange, line: number): Finding | null {
  if (change.name !== 'standard_conforming_strings' || change.effect === 'reset') return null
  if (/^(on|true|yes|1)$/i.test(change.value ?? 'on')) return null
  return {
    rule: 'standard-conforming-strings',
    message: `standard_conforming_strings is switched off (line ${line}), but backslashes in strings are read here as with it on`,
    hint: "write strings with backslashes as E'…' and remove this line",
    line,
  }
}
