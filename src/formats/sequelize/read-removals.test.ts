import { describe, expect, test } from 'vitest'
import { readRemovals } from './read-removals.ts'

/** Stands where a migration's `up` does: third line, behind the words before it. */
function read(body: string) {
  const file = `'use strict'\n\nmodule.exports = { up: async (queryInterface, Sequelize) => {${body}} }\n`
  const fn = new Function(`return async (queryInterface, Sequelize) => {${body}}`)()
  return readRemovals(fn, file)
}

describe('what a migration of Sequelize plainly takes away', () => {
  test.each([
    [
      "await queryInterface.removeColumn('clients', 'name')",
      { action: 'drop-column', table: 'clients', column: 'name' },
    ],
    ['await queryInterface.dropTable("Carts", { cascade: true })', { action: 'drop-table', table: 'Carts' }],
    ['return queryInterface.renameTable(`carts`, `orders`)', { action: 'rename-table', table: 'carts', to: 'orders' }],
    [
      "await queryInterface.renameColumn('clients', 'name', 'title', { transaction })",
      { action: 'rename-column', table: 'clients', column: 'name', to: 'title' },
    ],
    [
      "await queryInterface\n  .removeColumn(\n 'clients',\n 'name',\n)",
      { action: 'drop-column', table: 'clients', column: 'name' },
    ],
  ])('%s', (body, expected) => {
    expect(read(body)).toMatchObject([expected])
  })

  test('stands where the file says it', () => {
    const [first, second] = read("\n  await queryInterface.dropTable('a')\n  await queryInterface.dropTable('b')\n")
    expect([first?.at, second?.at]).toEqual([
      { line: 4, column: 24 },
      { line: 5, column: 24 },
    ])
    expect(
      readRemovals(() => (globalThis as never as { q: { dropTable(n: string): void } }).q.dropTable('a'), ''),
    ).toEqual([{ action: 'drop-table', table: 'a', at: { line: 1, column: 1 } }])
  })

  test.each([
    "// await queryInterface.dropTable('a')\n",
    "/* queryInterface.dropTable('a') */",
    "const url = 'https://example.com'; /* queryInterface.dropTable('a') */",
    'for (const table of tables) await queryInterface.dropTable(table)',
    `await queryInterface.dropTable(\`\${prefix}_a\`)`,
    "await queryInterface.dropTable({ tableName: 'a', schema: 'b' })",
    "await queryInterface.createTable('a', {}); await queryInterface.dropTable('a')",
    "await queryInterface.removeColumn('clients', name)",
    "await queryInterface.addColumn('clients', 'name', Sequelize.TEXT)",
    "await queryInterface.removeIndex('clients', 'clients_name')",
  ])('does not claim to know %s', (body) => {
    expect(read(body)).toEqual([])
  })
})
