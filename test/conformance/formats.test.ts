import { expect, it } from 'vitest'
import { formats } from '../../src/formats/registry.ts'
import { type CodeFormatSample, describeCodeFormat } from './code-format.ts'
import { describeFormat, type FormatSample } from './format.ts'

const samples: readonly FormatSample[] = [
  {
    format: formats.sql,
    ids: ['1_users', '02_roles', '003_orders'],
    up: (id) => `${id}.sql`,
    down: (id) => `rollbacks/${id}.sql`,
  },
  {
    format: formats.prisma,
    ids: ['20240101_users', '20250101120000_roles', '20250102120000_orders'],
    up: (id) => `${id}/migration.sql`,
    down: (id) => `${id}/rollback.sql`,
    beside: { 'migration_lock.toml': 'provider = "postgresql"\n' },
  },
  {
    // Drizzle 1; journals are in src/formats/drizzle/drizzle.test.ts.
    format: formats.drizzle,
    ids: ['20240101000000_users', '20250101120000_roles', '20250102120000_orders'],
    up: (id) => `${id}/migration.sql`,
    down: (id) => `${id}/rollback.sql`,
    beside: { '20240101000000_users/snapshot.json': '{ "id": "1" }' },
  },
  {
    format: formats.dbmate,
    // By their names, in which a digit comes before an underscore.
    ids: ['20240101120000_roles', '20240101_users', '20240102_orders'],
    up: (id) => `${id}.sql`,
    down: (id) => `${id}.sql`,
    join: (up, down) => `-- migrate:up\n${up}\n-- migrate:down\n${down ?? ''}`,
  },
  {
    format: formats['sql-migrate'],
    ids: ['2_users', '10-roles', '0011_orders'],
    up: (id) => `${id}.sql`,
    down: (id) => `${id}.sql`,
    join: (up, down) => `-- +migrate Up\n${up}${down === null ? '' : `\n-- +migrate Down\n${down}`}`,
  },
  {
    format: formats.goose,
    ids: ['00002_users', '10_roles', '0011_orders'],
    up: (id) => `${id}.sql`,
    down: (id) => `${id}.sql`,
    join: (up, down) => `-- +goose Up\n${up}${down === null ? '' : `\n-- +goose Down\n${down}`}`,
  },
  {
    format: formats.flyway,
    ids: ['V2__users', 'V2_10__roles', 'V0011__orders'],
    up: (id) => `${id}.sql`,
    down: (id) => `${id.replace('V', 'U')}.sql`,
    row: { version: 'k', description: 'x', type: 'SQL', script: 'Vk__x.sql', checksum: -7 },
  },
  {
    format: formats['golang-migrate'],
    ids: ['2_users', '0010_roles', '11_orders'],
    up: (id) => `${id}.up.sql`,
    down: (id) => `${id}.down.sql`,
  },
  {
    format: formats['node-pg-migrate'],
    ids: ['2_users', '0010_roles', '11_orders'],
    up: (id) => `${id}.sql`,
    down: (id) => `${id}.sql`,
    join: (up, down) => `-- Up Migration\n${up}${down === null ? '' : `\n-- Down Migration\n${down}`}`,
  },
]

const codeSamples: readonly CodeFormatSample[] = [
  {
    format: formats.knex,
    ids: ['20240101000000_users', '20240102000000_roles', '20240103000000_orders'],
    file: (id) => `${id}.js`,
    text: (up, down) => `exports.up = async (knex) => { ${up}\n}\nexports.down = async (knex) => { ${down}\n}\n`,
  },
  {
    format: formats.sequelize,
    ids: ['20240101000000-users', '20240102000000-roles', '20240103000000-orders'],
    file: (id) => `${id}.js`,
    text: (up, down) =>
      `module.exports = {\n  async up(queryInterface, Sequelize) { ${up}\n },\n  async down(queryInterface) { ${down}\n },\n}\n`,
  },
  {
    format: formats.typeorm,
    ids: ['Users1704067200000', 'Roles1704153600000', 'Orders1704240000000'],
    file: (id) => `${id.slice(-13)}-${id.slice(0, -13)}.js`,
    text: (up, down, id) =>
      `module.exports = class ${id} {\n  async up(queryRunner) { ${up}\n }\n  async down(queryRunner) { ${down}\n }\n}\n`,
    around: (line, id) => `${line.replace(/\s+$/, '')}\nexports.${id} = class ${id} {}\n`,
  },
  {
    format: formats.kysely,
    ids: ['20240101000000_users', '20240102000000_roles', '20240103000000_orders'],
    file: (id) => `${id}.ts`,
    text: (up, down) =>
      `import type { Kysely } from 'kysely'\n\nexport async function up(db: Kysely<unknown>) { ${up}\n}\n\nexport async function down(db: Kysely<unknown>) { ${down}\n}\n`,
  },
  {
    format: formats['node-pg-migrate'],
    // 17 digits are a time of UTC; 13 are one in milliseconds.
    ids: ['1700000000000_users', '20240102000000000_roles', '1704200000000_orders'],
    file: (id) => `${id}.js`,
    text: (up, down) => `exports.up = (pgm) => { ${up}\n}\nexports.down = (pgm) => { ${down}\n}\n`,
  },
]

for (const sample of samples) describeFormat(sample)
for (const sample of codeSamples) describeCodeFormat(sample)

it('covers every format', () => {
  const covered = new Set([...samples, ...codeSamples].map((sample) => sample.format.name))
  expect([...covered].sort()).toEqual(Object.keys(formats).sort())
})
