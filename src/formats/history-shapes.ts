import type { Format } from '../model/format.ts'
import type { HistoryKind, HistoryShape } from '../model/history.ts'
import { journalShape } from './drizzle/shapes.ts'
import { flywayHistory } from './flyway/shape.ts'
import { kyselyShape } from './kysely/shape.ts'
import { typeormShape } from './typeorm/shape.ts'

/** The table of most home-made runners: one row per applied migration, `version` names it. */
const schemaMigrations: HistoryShape = {
  kind: 'schema_migrations',
  defaultTable: 'schema_migrations',
  columns: [
    { name: 'id', type: 'serial-key' },
    { name: 'version', type: 'varchar255', notNull: true, unique: true },
    { name: 'description', type: 'text' },
    { name: 'applied_at', type: 'timestamp', default: 'now' },
    { name: 'checksum', type: 'varchar64' },
  ],
  key: 'version',
  checksum: 'checksum',
  // A serial tells rows of one transaction apart, where applied_at is the same for all of them.
  order: ['id', 'applied_at', 'executed_at', 'installed_on', 'run_on', 'created_at', 'version'],
  finishedAt: null,
  rolledBackAt: null,
  batch: null,
  spelling: 'as-rows',
  nativeLock: null,
  values: (row) => ({
    version: row.key,
    description: row.description,
    applied_at: { now: true },
    checksum: row.checksum,
  }),
}

/**
 * Prisma's own table. Source: `create_migrations_table` and `sql_migration_persistence.rs` of prisma-engines:
 * a success has one applied step and null logs; a migration that `migrate resolve --applied` marked without running
 * has no step and empty logs. A row with neither `finished_at` nor `rolled_back_at` is a failed one (P3009).
 */
const prisma: HistoryShape = {
  kind: 'prisma',
  defaultTable: '_prisma_migrations',
  columns: [
    { name: 'id', type: 'uuid-text-key' },
    { name: 'checksum', type: 'varchar64', notNull: true },
    { name: 'finished_at', type: 'timestamptz' },
    { name: 'migration_name', type: 'varchar255', notNull: true },
    { name: 'logs', type: 'text' },
    { name: 'rolled_back_at', type: 'timestamptz' },
    { name: 'started_at', type: 'timestamptz', notNull: true, default: 'now' },
    { name: 'applied_steps_count', type: 'integer', notNull: true, default: '0' },
  ],
  key: 'migration_name',
  checksum: 'checksum',
  order: ['started_at'],
  finishedAt: 'finished_at',
  rolledBackAt: 'rolled_back_at',
  begun: ['id', 'checksum', 'migration_name', 'started_at'],
  logs: 'logs',
  // Old versions left out leading zeros.
  digest: /^[0-9a-f]{32,64}$/i,
  batch: null,
  spelling: 'id',
  // Source: `ADVISORY_LOCK_ID` of prisma-engines, and `acquire_lock` of its MySQL flavour: one for the whole server.
  nativeLock: { kind: 'advisory', key: 72_707_369, name: 'prisma_migrate' },
  values: (row) => ({
    id: { uuid: true },
    checksum: row.checksum,
    finished_at: { now: true },
    migration_name: row.key,
    logs: row.steps === 0 ? '' : null,
    rolled_back_at: null,
    started_at: { now: true },
    applied_steps_count: row.steps === 0 ? 0 : 1,
  }),
}

/** Source: `table-creator.js` and `Migrator.js` of Knex. Names are file names; a run is a batch. */
const knex: HistoryShape = {
  kind: 'knex',
  defaultTable: 'knex_migrations',
  columns: [
    { name: 'id', type: 'serial-key' },
    { name: 'name', type: 'varchar255' },
    { name: 'batch', type: 'integer' },
    { name: 'migration_time', type: 'timestamptz' },
  ],
  key: 'name',
  checksum: null,
  order: ['id'],
  finishedAt: null,
  rolledBackAt: null,
  batch: 'batch',
  spelling: 'file',
  nativeLock: { kind: 'row', tableSuffix: '_lock', key: 'index', column: 'is_locked' },
  values: (row) => ({ name: row.key, batch: row.batch, migration_time: { now: true } }),
}

/**
 * Source: `SequelizeStorage` of umzug, and sequelize-cli's `core/migrator.js`: file names with extension, and nothing
 * else unless `migrationTimestamps` or an old version added the two times of every Sequelize table.
 */
const sequelize: HistoryShape = {
  kind: 'sequelize',
  defaultTable: 'SequelizeMeta',
  columns: [{ name: 'name', type: 'name-key' }],
  key: 'name',
  checksum: null,
  order: ['name'],
  finishedAt: null,
  rolledBackAt: null,
  batch: null,
  spelling: 'file',
  nativeLock: null,
  tableOptions: { mysql: 'ENGINE=InnoDB DEFAULT CHARSET=utf8 COLLATE=utf8_unicode_ci' },
  values: (row) => ({ name: row.key, createdAt: { now: true }, updatedAt: { now: true } }),
}

/** Source: `CreateMigrationsTable` of dbmate's drivers. Digits of file names, and nothing else. */
const dbmate: HistoryShape = {
  kind: 'dbmate',
  defaultTable: 'schema_migrations',
  columns: [{ name: 'version', type: 'version-key' }],
  key: 'version',
  checksum: null,
  order: ['version'],
  finishedAt: null,
  rolledBackAt: null,
  batch: null,
  spelling: 'number',
  undoOrder: 'folder',
  nativeLock: null,
  values: (row) => ({ version: row.key }),
}

/**
 * Source: `MigrationRecord` of sql-migrate and the dialects of gorp. File names with their ending; what is undone first
 * is the last file in the tool's own order.
 */
const sqlMigrate: HistoryShape = {
  kind: 'sql-migrate',
  defaultTable: 'gorp_migrations',
  columns: [
    { name: 'id', type: 'text-key' },
    { name: 'applied_at', type: 'datetime' },
  ],
  key: 'id',
  checksum: null,
  order: ['applied_at'],
  finishedAt: null,
  rolledBackAt: null,
  batch: null,
  spelling: 'file',
  undoOrder: 'folder',
  nativeLock: null,
  tableOptions: { mysql: 'ENGINE=InnoDB CHARSET=UTF8' },
  values: (row) => ({ id: row.key, applied_at: { now: true } }),
}

/**
 * Source: `internal/dialects` of goose. The table begins with a row of version 0. goose deletes the row of what it undoes;
 * before 2017 it wrote another one with `is_applied` false, and it still reads them so.
 */
const goose: HistoryShape = {
  kind: 'goose',
  defaultTable: 'goose_db_version',
  columns: [
    { name: 'id', type: 'identity-key' },
    { name: 'version_id', type: 'bigint', notNull: true },
    { name: 'is_applied', type: 'boolean', notNull: true },
    { name: 'tstamp', type: 'stamp', default: 'now' },
  ],
  key: 'version_id',
  checksum: null,
  order: ['id'],
  finishedAt: null,
  rolledBackAt: null,
  batch: null,
  spelling: 'number',
  ignoredKeys: ['0'],
  flag: { column: 'is_applied', yes: 'applied', no: 'undone' },
  firstRow: { version_id: 0, is_applied: true },
  nativeLock: null,
  values: (row) => ({ version_id: row.key, is_applied: true }),
}

/**
 * Source: `database/postgres`, `mysql` and `sqlite3` of golang-migrate. One row, a mark: `dirty` from before a migration is
 * begun until it is finished.
 */
const golangMigrate: HistoryShape = {
  kind: 'golang-migrate',
  defaultTable: 'schema_migrations',
  columns: [
    { name: 'version', type: 'bigint-key' },
    { name: 'dirty', type: 'boolean', notNull: true },
  ],
  key: 'version',
  checksum: null,
  order: ['version'],
  finishedAt: null,
  rolledBackAt: null,
  begun: ['version', 'dirty'],
  batch: null,
  spelling: 'number',
  flag: { column: 'dirty', yes: 'failed', no: 'applied' },
  mark: true,
  nativeLock: null,
  values: (row) => ({ version: row.key, dirty: false }),
}

/**
 * Source: `ensureMigrationsTable` and `PG_MIGRATE_LOCK_ID` of node-pg-migrate's `runner`. Names of files without their
 * ending. The tool tells the order by `run_on`, then by `id`; both come from the same clock and sequence here.
 */
const nodePgMigrate: HistoryShape = {
  kind: 'node-pg-migrate',
  defaultTable: 'pgmigrations',
  columns: [
    { name: 'id', type: 'serial-key' },
    { name: 'name', type: 'varchar255', notNull: true },
    { name: 'run_on', type: 'timestamp', notNull: true },
  ],
  key: 'name',
  checksum: null,
  order: ['id', 'run_on'],
  finishedAt: null,
  rolledBackAt: null,
  batch: null,
  spelling: 'id',
  nativeLock: { kind: 'advisory', key: 7_241_865_325_823_964 },
  values: (row) => ({ name: row.key, run_on: { now: true } }),
}

const shapes: Record<HistoryKind, HistoryShape> = {
  schema_migrations: schemaMigrations,
  prisma,
  knex,
  sequelize,
  dbmate,
  'sql-migrate': sqlMigrate,
  goose,
  'golang-migrate': golangMigrate,
  drizzle: journalShape,
  'node-pg-migrate': nodePgMigrate,
  typeorm: typeormShape,
  kysely: kyselyShape,
  flyway: flywayHistory,
}

/**
 * How the history table of a kind looks. Any format can be kept in either: Prisma folders with a `schema_migrations`
 * table are common in home-made runners. `NewHistoryRow.steps` 0 means "marked as applied without running".
 */
export function historyShape(kind: HistoryKind): HistoryShape {
  return shapes[kind]
}

/** Every kind of history table: those that are built in, and those of the formats that a config adds. */
export function historyShapes(added: readonly Format[]): HistoryShape[] {
  return [...Object.values(shapes), ...added.map(({ history }) => history)]
}
