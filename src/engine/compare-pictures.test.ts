import { expect, test } from 'vitest'
import { type ObjectKind, ownSchema, type PictureObject, type SchemaPicture } from '../model/picture.ts'
import { comparePictures } from './compare-pictures.ts'

let made = 0

function picture(...objects: PictureObject[]): SchemaPicture {
  return { hash: `hash ${made++}`, objects }
}

function object(kind: ObjectKind, name: string, properties: Record<string, string> = {}, of: string | null = null) {
  return { kind, name, of, properties }
}

const users = [
  object('table', 'users'),
  object('column', 'users.id', { type: 'integer', nullable: 'no', default: "nextval('users_id_seq')" }, 'users'),
  object('column', 'users.email', { type: 'text', nullable: 'yes' }, 'users'),
  object('primary-key', 'users.users_pkey', { definition: 'PRIMARY KEY (id)', validated: 'yes' }, 'users'),
  object('index', 'users_email_idx', { definition: 'USING btree (email)', valid: 'yes' }, 'users'),
  object('sequence', 'users_id_seq', { start: '1' }, 'users.id'),
  object('comment', 'index users_email_idx', { text: 'for the login' }, 'users_email_idx'),
]
const mood = object('enum', 'mood', { labels: "'calm', 'busy'" })

test('equal hashes are not looked into; equal objects under other hashes are no difference', () => {
  expect(comparePictures(picture(...users), picture(...users))).toEqual([])
  const one = { hash: 'x', objects: users }
  expect(comparePictures(one, { hash: 'x', objects: [] })).toEqual([])
})

test('a table is named once, with its columns, whatever belongs to it or to its parts', () => {
  expect(comparePictures(picture(mood, ...users), picture(mood))).toEqual([
    { change: 'missing', kind: 'table', object: 'users', detail: 'columns id, email' },
  ])
  expect(comparePictures(picture(), picture(...users))).toEqual([
    { change: 'extra', kind: 'table', object: 'users', detail: 'columns id, email' },
  ])
})

test('parts of what is there are named', () => {
  const without = users.filter(({ kind }) => kind !== 'index' && kind !== 'comment' && kind !== 'primary-key')
  expect(comparePictures(picture(...users), picture(...without))).toEqual([
    { change: 'missing', kind: 'index', object: 'users_email_idx', detail: 'USING btree (email)' },
    { change: 'missing', kind: 'primary-key', object: 'users.users_pkey', detail: 'PRIMARY KEY (id)' },
  ])
})

test('a column takes its sequence with it, and its own comment, but not what is only called like it', () => {
  const check = object('check', 'users.email', { definition: 'CHECK (true)' }, 'users')
  const note = object('comment', 'constraint users.email', { text: 'x' }, 'users.email')
  const all = [...users, check, note]
  const left = all.filter(
    ({ name }) => name !== 'users.id' && name !== 'users_id_seq' && name !== 'constraint users.email',
  )
  expect(comparePictures(picture(...all), picture(...left)).map(({ kind, object: name }) => `${kind} ${name}`)).toEqual(
    ['column users.id', 'comment constraint users.email'],
  )
})

test('what changed is said per property: from the reference to the other', () => {
  const other = users.map((one) =>
    one.name === 'users.id' ? { ...one, properties: { type: 'bigint', nullable: 'no', collation: '"C"' } } : one,
  )
  expect(comparePictures(picture(...users), picture(...other))).toEqual([
    {
      change: 'changed',
      kind: 'column',
      object: 'users.id',
      detail: `collation: none → "C"; default: nextval('users_id_seq') → none; type: integer → bigint`,
    },
  ])
})

test('order of labels counts; the own schema is not shown; long texts are shown where they part', () => {
  const before = `SELECT ${'a, '.repeat(100)}b\n  FROM ${ownSchema}.users`
  const changes = comparePictures(
    picture(
      mood,
      object('view', 'v', { definition: before }),
      object('view', 'w', { definition: `FROM ${ownSchema}.a` }),
    ),
    picture(
      { ...mood, properties: { labels: "'busy', 'calm'" } },
      object('view', 'v', { definition: before.replace('b\n', 'c\n') }),
      object('view', 'w', { definition: `FROM ${ownSchema}.b` }),
    ),
  )
  expect(changes.map(({ detail }) => detail)).toEqual([
    "labels: 'calm', 'busy' → 'busy', 'calm'",
    `definition: …${'a, '.repeat(10)}b FROM users → …${'a, '.repeat(10)}c FROM users`,
    'definition: FROM a → FROM b',
  ])
})

test('sorted by kind, then name; a table that became a view is both', () => {
  const changes = comparePictures(
    picture(object('table', 'b'), object('column', 'b.x', { type: 'text' }, 'b'), object('table', 'a')),
    picture(object('view', 'b', { definition: 'SELECT 1' })),
  )
  expect(changes.map(({ change, kind, object: name }) => `${change} ${kind} ${name}`)).toEqual([
    'missing column b.x',
    'missing table a',
    'missing table b',
    'extra view b',
  ])
})
