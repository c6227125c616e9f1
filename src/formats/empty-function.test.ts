import { describe, expect, it } from 'vitest'
import { isEmptyFunction } from './empty-function.ts'

/** From text, as a file is read: the test's own compiler would take comments out. */
const make = (source: string) => new Function(`return (${source})`)() as () => void
const method = (source: string) => new Function(`return Object.values({ ${source} })[0]`)() as () => void

describe('isEmptyFunction', () => {
  it.each([
    'function (knex) {\n}',
    'async function down() {}',
    '() => {}',
    'async () => {}',
    'async (queryInterface, Sequelize) => { /* later */ }',
    'async knex => { // nothing }\n}',
    '({ context }) => {}',
    '({ context = {}, name = ")" } = {}) => {}',
    "function (knex) { 'use strict'; return }",
    'function (knex) { return Promise.resolve() }',
    'async () => { await Promise.resolve(); return undefined; }',
    '() => Promise.resolve()',
    '() => undefined',
    '() => ({})',
    'async () => { "it\'s one-way" }',
    'function (knex) { return __awaiter(this, void 0, void 0, function* () { }); }',
  ])('%s does nothing', (source) => {
    expect(isEmptyFunction(make(source))).toBe(true)
  })

  it('reads methods, as sequelize-cli writes them', () => {
    expect(
      isEmptyFunction(method('async down (queryInterface, Sequelize) {\n    /**\n     * Add here.\n     */\n  }')),
    ).toBe(true)
    expect(isEmptyFunction(method('async down (q) { await q.dropTable("a") }'))).toBe(false)
    expect(isEmptyFunction(method('"down": function () {}'))).toBe(true)
  })

  it.each([
    'async (q) => { await q.dropTable("users") }',
    '(q) => q.dropTable("users")',
    'q => q',
    "() => { throw new Error('one-way') }",
    'function (knex) { /* a */ knex.raw("--"); /* b */ }',
    '(q) => { "//"; q() }',
    '(q) => q.a("/*") || q.b("*/")',
    '(q) => Promise.all([q()])',
  ])('%s does something', (source) => {
    expect(isEmptyFunction(make(source))).toBe(false)
  })

  it('is not sure of functions without a text', () => {
    expect(isEmptyFunction(Math.max)).toBe(false)
    expect(isEmptyFunction((() => {}).bind(null))).toBe(false)
  })
})
