import { describe, expect, test } from 'vitest'
import { namePlace, nameRole, randomDigits } from './name-place.ts'
import { mayRename, missingOf, type PlaceWish, placeTenant } from './place-tenant.ts'

const naming = '{slug}_{digits8}'

test('eight digits, leading zeros kept', () => {
  for (let i = 0; i < 200; i++) expect(randomDigits()).toMatch(/^\d{8}$/)
})

test.each([
  ['acme', 'acme_00000042'],
  ['acme-eu', 'acme_eu_00000042'],
  ['7eleven', 't_7eleven_00000042'],
  ['pg_admin', 't_pg_admin_00000042'],
])('%s is placed in %s', (slug, name) => expect(namePlace(naming, slug, '00000042', 63)).toBe(name))

describe('names that are too long', () => {
  test('are cut in the slug, never in the digits', () => {
    const name = namePlace(naming, 'a'.repeat(63), '12345678', 63)
    expect(name).toMatch(/^a+_12345678$/)
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(63)
    expect(Buffer.byteLength(name)).toBeGreaterThan(60)
    expect(Buffer.byteLength(namePlace(naming, '7'.repeat(63), '12345678', 63))).toBeLessThanOrEqual(63)
    expect(
      Buffer.byteLength(namePlace(`{slug}_${'x'.repeat(20)}_{slug}_{digits8}`, 'b'.repeat(63), '1'.repeat(8), 63)),
    ).toBeLessThanOrEqual(63)
  })
  test('of roles keep a hash of what was cut off', () => {
    expect(nameRole('acme_12345678', 32)).toBe('acme_12345678')
    const [one, two] = ['1', '2'].map((end) => nameRole(`${'a'.repeat(54)}_1234567${end}`, 32))
    expect(one).not.toBe(two)
    expect([one?.length, two?.length]).toEqual([32, 32])
  })
})

describe('where a tenant goes', () => {
  const wish: PlaceWish = {
    slug: 'acme',
    topology: 'schema',
    server: 'main',
    database: 'app',
    schema: null,
    naming,
    longestBytes: 63,
  }
  test.each<[Partial<PlaceWish>, object, boolean]>([
    [{}, { server: 'main', database: 'app', schema: 'acme_12345678' }, true],
    [{ schema: 'x' }, { server: 'main', database: 'app', schema: 'x' }, false],
    [{ topology: 'database', database: null }, { server: 'main', database: 'acme_12345678' }, true],
    [{ topology: 'dedicated', database: 'own' }, { server: 'main', database: 'own' }, false],
    [{ topology: 'shared' }, { server: 'main', database: 'app' }, false],
    [{ naming: 't_{slug}' }, { server: 'main', database: 'app', schema: 't_acme' }, false],
  ])('%j', (given, place, again) => {
    expect(placeTenant({ ...wish, ...given }, '12345678')).toEqual(place)
    expect(mayRename({ ...wish, ...given })).toBe(again)
  })
  test('schemas and shared tables need a database that is there', () => {
    expect(missingOf({ ...wish, database: null })).toBe('database')
    expect(missingOf({ ...wish, topology: 'database', database: null })).toBeNull()
  })
})
