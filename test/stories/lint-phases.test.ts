/** What lint takes for announced is what `up` waits for: steps of other sets and data changes are steps of a change, too. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { LintReport } from '../../src/model/lint.ts'
import { makeProject, type Project } from './project.ts'

let project: Project
const contract = '-- tenantry:phase contract of no-fax\nALTER TABLE customers DROP COLUMN fax;\n'

beforeEach(() => {
  project = makeProject()
  project.write({
    'migrations/001_customers.sql': 'CREATE TABLE customers (id bigint PRIMARY KEY, fax text, phone text);\n',
    'migrations/rollbacks/001_customers.sql': 'DROP TABLE customers;\n',
    'migrations/005_drop_fax.sql': contract,
    'migrations/rollbacks/005_drop_fax.sql': 'ALTER TABLE customers ADD COLUMN fax text;\n',
  })
  configure()
})

afterEach(() => project?.remove())

function configure(more: Record<string, unknown> = {}): void {
  project.configure({
    servers: { main: { url: 'postgres://127.0.0.1:1/app' } },
    tenants: [{ slug: 'acme', topology: 'database', server: 'main', database: 'acme' }],
    lint: { squawk: false },
    ...more,
  })
}

const rulesOf = ({ findings }: LintReport) =>
  findings.filter(({ severity }) => severity !== 'info').map(({ rule }) => rule)
const lint = async () => rulesOf(await project.use((tenantry) => tenantry.lint()))

test('a contract step of a change without any other step is a warning, and what it drops an error', async () => {
  expect(await lint()).toEqual(['contract-without-earlier-step', 'drop-column'])
})

test('an earlier migration announces it; a later one, or one of another change, does not', async () => {
  const expand = '-- tenantry:phase expand of no-fax\nALTER TABLE customers ADD COLUMN mobile text;\n'
  const undo = 'ALTER TABLE customers DROP COLUMN mobile;\n'
  project.write({ 'migrations/007_mobile.sql': expand, 'migrations/rollbacks/007_mobile.sql': undo })
  expect(await lint()).toEqual(['contract-without-earlier-step', 'drop-column'])
  project.write({ 'migrations/003_mobile.sql': expand, 'migrations/rollbacks/003_mobile.sql': undo })
  expect(await lint()).not.toContain('drop-column')
  expect(await lint()).not.toContain('contract-without-earlier-step')
})

test('a data change announces it', async () => {
  project.write({
    'data/001_phones.sql':
      '-- tenantry:phase migrate of no-fax\n-- tenantry:data-change table=customers key=id\nUPDATE customers SET phone = fax WHERE id BETWEEN :from AND :to;\n',
  })
  configure({ dataChanges: { dir: './data' } })
  expect(await lint()).toEqual([])
})

test('so does a step of another set', async () => {
  project.write({
    'platform/001_fax.sql': '-- tenantry:phase expand of no-fax\nCREATE TABLE faxes (id bigint PRIMARY KEY);\n',
    'platform/rollbacks/001_fax.sql': 'DROP TABLE faxes;\n',
  })
  const sets = [
    { name: 'platform', dir: './platform', history: { table: 'platform_migrations' } },
    { name: 'tenant', dir: './migrations' },
  ]
  configure({ migrations: sets })
  expect(await lint()).toEqual([])
  const one = await project.use((tenantry) => tenantry.lint({ sets: ['tenant'] }))
  expect(rulesOf(one)).toEqual([])
})
