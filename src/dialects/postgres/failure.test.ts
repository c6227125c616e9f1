import { describe, expect, test } from 'vitest'
import { readFailure, refusals } from './failure.ts'

const fromServer = (code: string, message: string, more: object = {}) =>
  readFailure({ severity: 'ERROR', code, message, ...more }, true)

describe('readFailure', () => {
  test.each([
    ['English', (word: string) => `invalid input syntax for type integer: "${word}"`],
    ['German', (word: string) => `ungültige Eingabesyntax für Typ integer: »${word}«`],
    ['French', (word: string) => `syntaxe en entrée invalide pour le type integer : « ${word} »`],
  ])('knows our refusals on a server that speaks %s', (_, say) => {
    expect(fromServer('22P02', say(refusals.locked)).kind).toBe('locked')
    expect(fromServer('22P02', say(refusals.already)).kind).toBe('already-applied')
    expect(fromServer('22P02', say(refusals.left)).kind).toBe('left-transaction')
    expect(fromServer('22P02', say('abc')).kind).toBe('statement')
  })

  test.each([
    ['55P03', {}, 'lock-timeout'],
    ['40P01', {}, 'deadlock'],
    ['40001', {}, 'deadlock'],
    ['XX000', { routine: 'simple_heap_update' }, 'deadlock'],
    ['XX000', { routine: 'elog_finish' }, 'statement'],
    ['42P07', {}, 'already-exists'],
    ['57P01', {}, 'connection-lost'],
    ['08006', {}, 'connection-lost'],
    ['3D000', {}, 'database-missing'],
    ['28P01', {}, 'authentication'],
    ['42601', {}, 'statement'],
  ])('%s %j is %s', (code, more, kind) => {
    expect(fromServer(code, 'x', more).kind).toBe(kind)
  })

  test('a refused connection was never established, a reset one may have carried something out', () => {
    expect(readFailure({ code: 'ECONNREFUSED', message: 'connect ECONNREFUSED' }, false).kind).toBe('unreachable')
    expect(readFailure({ code: 'ECONNRESET', message: 'read ECONNRESET' }, true).kind).toBe('connection-lost')
    expect(readFailure({ code: 'SELF_SIGNED_CERT_IN_CHAIN', message: 'x' }, false).kind).toBe('tls')
  })

  test('passwords in SQL that the server quotes stay out', () => {
    const where = `SQL statement "ALTER ROLE app PASSWORD 'top''secret'"\nPL/pgSQL function inline_code_block line 1`
    const { detail } = fromServer('42501', 'permission denied', {
      where,
      detail: `CREATE USER x PASSWORD 'topsecret', CONNECTION 'host=h password=topsecret'`,
      hint: 'mind the line',
    })
    expect(detail).not.toContain('topsecret')
    expect(detail).not.toContain("top''secret")
    expect(detail).toContain('inline_code_block line 1')
    expect(detail).toContain('HINT: mind the line')
  })
})
