import { describe, expect, test } from 'vitest'
import { TenantryError } from '../model/errors.ts'
import { type TenantRecord, tenantTransitions } from '../model/registry.ts'
import type { TenantState } from '../model/tenant.ts'
import { actorOf } from './actor.ts'
import { type AskedState, listCommands, mayMove, moveTenant } from './lifecycle.ts'

const states = Object.keys(tenantTransitions) as TenantState[]
const actor = { name: 'ada@box' }

function book(state: TenantState) {
  const tenant: TenantRecord = {
    id: 'b7d5cfcd-6d4b-4f1f-9a55-1a3a0d5f2a11',
    slug: 'acme',
    topology: 'database',
    labels: {},
    state,
    placement: { server: 'main', database: 'acme' },
    address: null,
    createdAt: null,
    updatedAt: null,
  }
  const written: [TenantState, TenantState][] = []
  return {
    tenant,
    written,
    /** Called before a change is looked at: somebody else. */
    meddle: () => {},
    find: async (name: string) => (name === 'acme' ? { ...tenant } : null),
    async change(_id: string, expected: TenantState, { state: to }: { state?: TenantState }) {
      this.meddle()
      if (tenant.state !== expected) throw new TenantryError('TENANT_STATE', `it is ${tenant.state}`)
      written.push([expected, to as TenantState])
      tenant.state = to as TenantState
      return { ...tenant }
    },
  }
}

describe.each<AskedState>(['active', 'suspended', 'archived', 'removing'])('to %s', (to) => {
  test.each(states)('from %s', async (from) => {
    const store = book(from)
    const moved = moveTenant(store, 'acme', to, actor)
    if (from === to) {
      expect(await moved).toMatchObject({ from, tenant: { state: to } })
      expect(store.written).toEqual([])
    } else if (mayMove(from, to)) {
      expect(await moved).toMatchObject({ from, tenant: { state: to } })
      expect(store.written).toEqual([[from, to]])
    } else {
      await expect(moved).rejects.toMatchObject({
        code: 'TENANT_STATE',
        hint: expect.stringContaining('tenantry tenants '),
        context: { state: from, asked: to },
      })
      expect(store.written).toEqual([])
    }
  })
})

test('no move that the registry itself does not know, and none past the making of a tenant', () => {
  for (const from of states) {
    for (const to of ['active', 'suspended', 'archived', 'removing'] as const)
      if (mayMove(from, to)) expect(tenantTransitions[from]).toContain(to)
  }
  expect(mayMove('provisioning', 'active')).toBe(false)
})

test('every state leads somewhere, by commands that its transitions allow', () => {
  const leadsTo: Record<string, AskedState | 'provisioning'> = {
    suspend: 'suspended',
    activate: 'active',
    archive: 'archived',
    remove: 'removing',
  }
  for (const state of states) {
    const commands = listCommands('acme', state).map(({ command }) => command.split(' ')[2] ?? '')
    expect(commands.length).toBeGreaterThan(0)
    for (const command of commands) {
      const to = leadsTo[command]
      if (to !== undefined && to !== state) expect(tenantTransitions[state]).toContain(to)
    }
  }
})

test('overtaken once, it looks again; where the new state forbids it, it says so', async () => {
  const store = book('active')
  store.meddle = () => {
    store.meddle = () => {}
    store.tenant.state = 'archived'
  }
  expect(await moveTenant(store, 'acme', 'suspended', actor)).toMatchObject({ from: 'archived' })
  const other = book('active')
  other.meddle = () => {
    other.tenant.state = 'removing'
  }
  await expect(moveTenant(other, 'acme', 'suspended', actor)).rejects.toMatchObject({
    message: 'Tenant acme is being removed, and cannot be suspended.',
  })
})

test('overtaken for ever, it gives up', async () => {
  const store = book('active')
  store.meddle = () => {
    store.tenant.state = store.tenant.state === 'active' ? 'archived' : 'active'
  }
  await expect(moveTenant(store, 'acme', 'suspended', actor)).rejects.toMatchObject({ code: 'TENANT_STATE' })
})

test('a tenant that is not there', async () => {
  await expect(moveTenant(book('active'), 'nobody', 'suspended', actor)).rejects.toMatchObject({
    code: 'TENANT_UNKNOWN',
    hint: expect.stringContaining('tenantry tenants list'),
  })
})

test('who: the variable, else user and host, never what would steer a terminal', () => {
  expect(actorOf({ TENANTRY_ACTOR: ' deploy-bot ' })).toEqual({ name: 'deploy-bot' })
  expect(actorOf({ TENANTRY_ACTOR: 'a\u001b[31mb\n\u202e' })).toEqual({ name: 'a[31mb' })
  expect(actorOf({ TENANTRY_ACTOR: 'x'.repeat(999) }).name).toHaveLength(200)
  expect(actorOf({ TENANTRY_ACTOR: '\n' }).name).toMatch(/^.+@.+$/)
  expect(actorOf({}).name).toMatch(/^.+@.+$/)
})
