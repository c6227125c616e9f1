import { describe, expect, it } from 'vitest'
import type { DatabaseFailure } from '../../model/dialect.ts'
import { type FailureOrigin, readFailure } from './failure.ts'
import { versionNumber } from './versions.ts'

const running: FailureOrigin = { established: true, database: 'app' }
const opening: FailureOrigin = { established: false, database: 'app' }
const server = (errno: number, sqlMessage = 'message', sqlState = 'HY000') =>
  Object.assign(new Error(sqlMessage), { errno, sqlMessage, sqlState, code: 'ER' })

describe('readFailure', () => {
  it.each([
    [1205, running, 'lock-timeout'],
    [1213, running, 'deadlock'],
    [1317, running, 'cancelled'],
    [1969, running, 'statement-timeout'],
    [3024, running, 'statement-timeout'],
    [1050, running, 'already-exists'],
    [1826, running, 'already-exists'],
    [1045, opening, 'authentication'],
    [1698, opening, 'authentication'],
    // GRANT and CREATE DATABASE are refused with the number of a failed login.
    [1044, running, 'statement'],
    [1040, opening, 'too-many-connections'],
    [3159, opening, 'tls'],
    [1053, running, 'connection-lost'],
    [1053, opening, 'unreachable'],
    [1927, running, 'connection-lost'],
    [4031, running, 'connection-lost'],
    [1146, running, 'statement'],
  ] as const)('%i (%o) is %s', (errno, origin, kind) => {
    expect(readFailure(server(errno), origin).kind).toBe(kind satisfies DatabaseFailure['kind'])
  })

  it("tells the target's own database from another one", () => {
    expect(readFailure(server(1049, "Unknown database 'app'"), running).kind).toBe('database-missing')
    expect(readFailure(server(1049, "Unknown database 'other'"), running).kind).toBe('statement')
  })

  it.each([
    ['ECONNREFUSED', opening, 'unreachable', 'connection refused'],
    ['ETIMEDOUT', opening, 'unreachable', 'no answer within the connect time-out'],
    ['PROTOCOL_CONNECTION_LOST', running, 'connection-lost', 'the connection was closed by the other side'],
    ['ECONNRESET', running, 'connection-lost', 'connection reset by the other side'],
    ['HANDSHAKE_NO_SSL_SUPPORT', opening, 'tls', 'words'],
    ['HANDSHAKE_SSL_ERROR', opening, 'tls', 'words'],
    ['AUTH_SWITCH_PLUGIN_ERROR', opening, 'authentication', 'words (AUTH_SWITCH_PLUGIN_ERROR)'],
  ] as const)('%s', (code, origin, kind, message) => {
    const error = Object.assign(new Error('words'), { code, errno: -111 })
    expect(readFailure(error, origin)).toMatchObject({ kind, message, sqlstate: null })
  })

  it('does not take an overflow of a migration for a refusal of ours', () => {
    const overflow = (message: string, statement: string) =>
      readFailure(server(1690, message), { ...running, statement }).kind
    expect(overflow("BIGINT value is out of range in '(1 + 2)'", 'SELECT 1 + 2')).toBe('statement')
    expect(overflow('BIGINT UNSIGNED value is out of range', "SELECT LENGTH('tenantry:already') * ~IF(1, -1, 0)")).toBe(
      'already-applied',
    )
  })

  const syntax = (statement: string, near: string, line: number) =>
    readFailure(server(1064, `You have an error; use near '${near}' at line ${line}`), { ...running, statement })

  it('finds the place of a syntax error, in characters', () => {
    const statement = "SELECT '😀',\n  brok en"
    expect(syntax(statement, 'en\n;\nSELECT other', 2)).toMatchObject({
      message: "You have an error; use near 'en' at line 2",
      position: [...statement].length - 1,
    })
    expect(syntax('SELECT (1', '', 1).position).toBe(9)
    expect(syntax('SELECT 1', 'what is not there', 7).position).toBeNull()
  })

  it.each([
    "CREATE USER a IDENTIFIED BY 'planted' nonsense",
    "ALTER USER a IDENTIFIED WITH mysql_native_password AS 'planted' nonsense",
    "SET PASSWORD = PASSWORD('planted') nonsense",
    "CHANGE MASTER TO MASTER_PASSWORD='planted' nonsense",
    "CREATE USER a IDENTIFIED BY 'planted",
    'CREATE USER a IDENTIFIED BY "planted" nonsense',
  ])('keeps passwords out: %s', (statement) => {
    const { message } = syntax(statement, statement, 1)
    expect(message).not.toContain('planted')
    expect(message).toContain('[secret]')
  })

  it('keeps a password out that is where the error is', () => {
    const statement = "CREATE USER a IDENTIFIED VIA x 'planted' BY"
    expect(syntax(statement, "'planted' BY", 1).message).toBe("You have an error; use near ''[secret]' BY' at line 1")
    expect(syntax("SELECT 'it' es", "'it' es", 1).message).toContain("'it' es")
  })
})

it.each([
  ['5.5.5-10.11.19-MariaDB-0+deb12u1', 101_119],
  ['11.4.2-MariaDB', 110_402],
  ['8.0.36', 80_036],
  ['8.4.0-commercial', 80_400],
])('version %s', (text, number) => {
  expect(versionNumber(text)).toBe(number)
})
