import { nameOf } from './lex.ts'
import type { Reader } from './probe-reader.ts'
import { gained, lost, noun } from './probe-sql.ts'
import { ask, type Check, type Question, repeat, unknown } from './probe-verdict.ts'
import { quoteLiteral } from './quote.ts'

interface Account {
  user: string
  host: string
}

/** `'a'@'b'` comes as a string and a variable, `a@b` as a word and a variable. */
function takeAccount(reader: Reader): Account | null {
  const user = reader.takePart()
  if (user === null) return null
  const name = unquote(user)
  const [word] = reader.rest()
  if (word?.type !== 'variable') return { user: name, host: '%' }
  reader.next()
  if (word.text.length > 1) return { user: name, host: word.text.slice(1) }
  const host = reader.takePart()
  return host === null ? null : { user: name, host: unquote(host) }
}

function unquote(text: string): string {
  return /^(['"]).*\1$/s.test(text) ? text.slice(1, -1) : text
}

function takeAccounts(reader: Reader): Account[] | null {
  const accounts: Account[] = []
  do {
    const account = takeAccount(reader)
    if (account === null) return null
    accounts.push(account)
    // Passwords and options of one account, up to the comma.
    while (!reader.ended && reader.key() !== ',') reader.next()
  } while (reader.take(','))
  return accounts
}

/** Who may not read `mysql.user` gets an error here, and never a wrong answer. */
function exists({ user, host }: Account, role: boolean): string {
  const where = role ? `Host IN ('', ${quoteLiteral(host)})` : `Host = ${quoteLiteral(host)}`
  return `EXISTS (SELECT 1 FROM mysql.user WHERE User = ${quoteLiteral(user)} AND ${where})`
}

/** After CREATE [OR REPLACE] USER or ROLE. */
export function askCreateAccounts(reader: Reader, kind: 'user' | 'role'): Question {
  if (reader.take('IF', 'NOT', 'EXISTS')) return repeat(`where the ${kind} is there it does nothing`)
  return askAccounts(reader, kind, gained)
}

/** After DROP USER or ROLE. */
export function askDropAccounts(reader: Reader, kind: 'user' | 'role'): Question {
  if (reader.take('IF', 'EXISTS')) return repeat('what is gone already it leaves out')
  return askAccounts(reader, kind, lost)
}

function askAccounts(
  reader: Reader,
  kind: 'user' | 'role',
  make: (label: string, condition: string) => Check,
): Question {
  const accounts = takeAccounts(reader)
  if (accounts === null) return unknown('its grammar is not known here')
  return ask(
    ...accounts.map((account) => make(noun(kind, `${account.user}@${account.host}`), exists(account, kind === 'role'))),
  )
}

/** After REVOKE. Taking away what is not there is refused, unless something else was granted at the same place. */
export function askRevoke(reader: Reader): Question {
  const words = reader.rest()
  const on = words.findIndex(({ key }) => key === 'ON')
  if (on === -1) return unknown('roles and proxies that were taken away are not looked up')
  const listed = words.slice(0, on)
  if (listed.some(({ key }) => key === '(')) return unknown('privileges on columns are not looked up')
  while (reader.key() !== 'ON') reader.next()
  reader.take('ON')
  const routine = reader.takeOne('FUNCTION', 'PROCEDURE', 'PACKAGE')
  if (routine !== null) return unknown('privileges on programs are not looked up')
  reader.take('TABLE')
  const place = takePlace(reader)
  const account = reader.take('FROM') ? takeAccount(reader) : null
  if (place === null || account === null || reader.key() === ',') return unknown('its grammar is not known here')
  if (place.kind === 'everywhere') return repeat('taking away again what is gone is harmless there')
  const all = listed[0]?.key === 'ALL'
  const grants = all ? [] : splitPrivileges(listed.map((word) => word.key || nameOf(word)))
  const who = quoteLiteral(`'${account.user}'@'${account.host}'`)
  const which = all ? '1' : `PRIVILEGE_TYPE IN (${grants.map(quoteLiteral).join(', ')})`
  const held = `EXISTS (SELECT 1 FROM information_schema.${place.view} WHERE GRANTEE = ${who} AND ${place.where} AND ${which})`
  return ask(lost(`the privileges of ${account.user}@${account.host}`, held))
}

function splitPrivileges(words: readonly string[]): string[] {
  return words
    .join(' ')
    .split(',')
    .map((privilege) => privilege.trim().toUpperCase())
}

function takePlace(reader: Reader): { kind: 'everywhere' } | { kind: 'some'; view: string; where: string } | null {
  if (reader.take('*', '.', '*')) return { kind: 'everywhere' }
  if (reader.take('*')) return { kind: 'some', view: 'SCHEMA_PRIVILEGES', where: 'TABLE_SCHEMA = DATABASE()' }
  const first = reader.takePart()
  if (first === null) return null
  if (!reader.take('.')) {
    const where = `TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ${quoteLiteral(first)}`
    return { kind: 'some', view: 'TABLE_PRIVILEGES', where }
  }
  const schema = `TABLE_SCHEMA = ${quoteLiteral(first)}`
  if (reader.take('*')) return { kind: 'some', view: 'SCHEMA_PRIVILEGES', where: schema }
  const table = reader.takePart()
  if (table === null) return null
  return { kind: 'some', view: 'TABLE_PRIVILEGES', where: `${schema} AND TABLE_NAME = ${quoteLiteral(table)}` }
}
