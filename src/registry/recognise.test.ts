import { describe, expect, it } from 'vitest'
import type { TableColumn } from '../model/registry-words.ts'
import { stateOf, topologyOf, wordForState } from './mapped-words.ts'
import { recogniseTenants } from './recognise.ts'

const columnsOf = (...names: string[]): TableColumn[] =>
  names.map((name) => ({ name, type: 'text', required: false, filled: false }))

describe('a table of the usual columns', () => {
  it('is recognised in either way of writing', () => {
    const snake = recogniseTenants(
      'tenants',
      null,
      columnsOf('id', 'slug', 'mode', 'status', 'db_host', 'db_port', 'db_name', 'db_user', 'db_password_encrypted'),
    )
    expect(snake?.columns).toEqual({
      id: 'id',
      slug: 'slug',
      topology: 'mode',
      state: 'status',
      host: 'db_host',
      port: 'db_port',
      database: 'db_name',
      user: 'db_user',
      password: 'db_password_encrypted',
    })
    const camel = recogniseTenants(
      'Tenant',
      null,
      columnsOf('id', 'dbHost', 'dbName', 'dbPasswordEncrypted', 'createdAt'),
    )
    expect(camel?.columns).toEqual({
      id: 'id',
      host: 'dbHost',
      database: 'dbName',
      password: 'dbPasswordEncrypted',
      createdAt: 'createdAt',
    })
  })

  it('is not, where nobody could know which tenant is where', () => {
    expect(recogniseTenants('tenants', null, columnsOf('id', 'name', 'email'))).toBeNull()
    expect(recogniseTenants('tenants', null, columnsOf('slug', 'db_name'))).toBeNull()
    expect(recogniseTenants('tenants', null, [])).toBeNull()
  })

  it('has the usual words', () => {
    const mapped = recogniseTenants('tenants', null, columnsOf('id', 'db_name', 'status', 'mode'))
    if (mapped === null) throw new Error('it is one')
    expect(['active', 'ACTIVE', 'Inactive', 'deleted'].map((word) => stateOf(mapped, word))).toEqual([
      'active',
      'active',
      'suspended',
      'archived',
    ])
    expect(stateOf(mapped, 'constructor')).toBeUndefined()
    expect(topologyOf(mapped, 'shared')).toBe('database')
    expect(topologyOf(mapped, 'dedicated')).toBeNull()
  })
})

describe('a word for a state', () => {
  const mapped = (state: Record<string, 'active' | 'suspended' | 'archived' | null>) => ({
    table: 'tenants',
    schema: null,
    columns: { state: 'status' },
    labels: {},
    values: { topology: {}, state },
    defaults: { topology: 'database' as const, server: null, dialect: null },
    password: 'auto' as const,
  })

  it('is theirs, or one that keeps their application away; never the one for active', () => {
    expect(wordForState(mapped({ ACTIVE: 'active', OFF: 'suspended' }), 'active', null)).toEqual({
      word: 'ACTIVE',
      exact: true,
    })
    expect(wordForState(mapped({ ACTIVE: 'active', OFF: 'suspended' }), 'provisioning', null)).toEqual({
      word: 'OFF',
      exact: false,
    })
    expect(() => wordForState(mapped({ ACTIVE: 'active' }), 'provisioning', null)).toThrow(
      /no word for the state provisioning/,
    )
  })

  it('follows the letter case that is there, where nothing is mapped', () => {
    expect(wordForState(mapped({}), 'suspended', 'ACTIVE').word).toBe('SUSPENDED')
    expect(wordForState(mapped({}), 'suspended', 'active').word).toBe('suspended')
  })
})
