import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Handle, loadDriver } from './driver.ts'
import { readFailure, refusals, refuseUnless } from './failure.ts'
import { findPosition } from './position.ts'

let handle: Handle

beforeEach(() => {
  handle = loadDriver().open({ memory: true })
  handle.exec(`PRAGMA foreign_keys = ON;
CREATE TABLE p (id INTEGER PRIMARY KEY, e TEXT UNIQUE NOT NULL CHECK (e <> 'x'));
CREATE TABLE c (p INTEGER REFERENCES p);
CREATE INDEX p_e ON p (e);
CREATE VIEW v AS SELECT 1;
INSERT INTO p VALUES (1, 'a')`)
})
afterEach(() => handle.close())

function failureOf(text: string) {
  try {
    handle.exec(text)
  } catch (error) {
    const failure = readFailure(error, true)
    return { ...failure, position: findPosition(handle, text, failure) }
  }
  throw new Error('it did not fail')
}

describe('what SQLite says', () => {
  test.each([
    ['CREATE TABLE p (a)', 'already-exists', '42000'],
    ['CREATE INDEX p_e ON p (id)', 'already-exists', '42000'],
    ['CREATE VIEW v AS SELECT 2', 'already-exists', '42000'],
    ['CREATE TABLE v (a)', 'already-exists', '42000'],
    ['CREATE TABLE p_e (a)', 'already-exists', '42000'],
    ['ALTER TABLE p ADD COLUMN e', 'already-exists', '42000'],
    ['ALTER TABLE c RENAME TO p', 'already-exists', '42000'],
    ["INSERT INTO p VALUES (1, 'b')", 'statement', '23505'],
    ["INSERT INTO p VALUES (2, 'a')", 'statement', '23505'],
    ['INSERT INTO p VALUES (2, NULL)', 'statement', '23502'],
    ["INSERT INTO p VALUES (2, 'x')", 'statement', '23514'],
    ['INSERT INTO c VALUES (7)', 'statement', '23503'],
    ['SELECT FROM', 'statement', '42601'],
    ["SELECT 'a", 'statement', '42601'],
  ])('%s', (text, kind, sqlstate) => {
    expect(failureOf(text)).toMatchObject({ kind, sqlstate })
  })

  test('nothing that a migration can write passes for a refusal of ours', () => {
    expect(failureOf('SELECT * FROM "tenantry:locked"')).toMatchObject({ kind: 'statement' })
  })
})

test.each([
  ['SELECT 1,\n  é😀 FROM p WHERE', null],
  ['SELECT 😀 broken broken broken', 17],
  ['SELECT id FROM p p p', 20],
  ['SELECT nowhere.a FROM p', 16],
  ['SELECT a FROM p', 8],
  ['DROP TABLE "no such"', null],
  ['DROP TABLE nosuch', 12],
  ['SELECT a, a FROM p', null],
])('the place of what is wrong in %j', (text, position) => {
  expect(failureOf(text).position).toBe(position)
})

test('a refusal is an integer as long as its condition holds, and a failure of ours when it does not', () => {
  const ask = (condition: string) => handle.all(`SELECT ${refuseUnless(condition, refusals.locked, 7)} AS v`, [])
  expect(ask('EXISTS (SELECT 1 FROM p)')).toEqual([{ v: 7 }])
  expect(failureOf(`SELECT ${refuseUnless('EXISTS (SELECT 1 FROM c)', refusals.locked, 7)}`).kind).toBe('locked')
})
