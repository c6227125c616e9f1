import { readFile } from 'node:fs/promises'
import { dirname, extname, join } from 'node:path'
import type { FormatOptions, TemplateFile } from '../../model/format.ts'
import { formatStamp, makeSlug } from '../slug.ts'
import { listMigrationFiles, type MigrationFile } from './list-files.ts'

/**
 * The next migration, written as the folder's last one is: name and text of `sequelize-cli migration:generate`; in a
 * folder of umzug's, its names and its one parameter; in one of TypeScript or ES modules, exports. Throws `USAGE` for a
 * name that gives no file name.
 */
export async function writeSequelizeTemplate(
  options: FormatOptions,
  name: string,
  details: { description: string | null; now: Date },
): Promise<TemplateFile[]> {
  // A folder that is broken, or not there yet, can still get a new file; `load` tells what is wrong with it.
  const last = (await listMigrationFiles(options, [])).at(-1)
  const text = last === undefined ? '' : await readFile(last.path, 'utf8').catch(() => '')
  const extension = last === undefined ? '.js' : extname(last.name)
  const dir = last === undefined ? (options.dirs[0] ?? options.root) : dirname(last.path)
  const file = nameNext(last, keepName(name), extension, details.now)
  return [{ path: join(dir, file), text: writeText(text, extension) }]
}

/** sequelize-cli takes a name as it is; what no file name should hold is replaced. */
function keepName(name: string): string {
  return /^\w[\w.-]*$/.test(name) ? name : makeSlug(name).replaceAll('_', '-')
}

/** Later than the last one, also when that was made in this very second. */
function nameNext(last: MigrationFile | undefined, name: string, extension: string, now: Date): string {
  const time = new Date(now)
  const asUmzug = last !== undefined && /^\d{4}\.\d\d\.\d\dT\d\d\.\d\d\.\d\d\./.test(last.name)
  for (let tries = 0; ; tries++) {
    const stamp = asUmzug ? `${time.toISOString().slice(0, 19).replaceAll(/\W/g, '.')}.` : `${formatStamp(time)}-`
    const file = `${stamp}${name}${extension}`
    if (last === undefined || file > last.name || tries === 60) return file
    time.setUTCSeconds(time.getUTCSeconds() + 1)
  }
}

function writeText(last: string, extension: string): string {
  const umzug = /\(\s*\{[^)]*\bcontext\b/.test(last)
  if (/^\.[cm]?ts$/.test(extension)) return umzug ? umzugTypeScript : typeScript
  if (extension === '.mjs' || /^export\s/m.test(last)) return umzug ? umzugModule : module
  return umzug ? umzugCommonJs : commonJs
}

/** Source: `assets/migrations/skeleton.js` of sequelize-cli 6. */
const commonJs = `'use strict';

/** @type {import('sequelize-cli').Migration} */
module.exports = {
  async up (queryInterface, Sequelize) {
    /**
     * Add altering commands here.
     *
     * Example:
     * await queryInterface.createTable('users', { id: Sequelize.INTEGER });
     */
  },

  async down (queryInterface, Sequelize) {
    /**
     * Add reverting commands here.
     *
     * Example:
     * await queryInterface.dropTable('users');
     */
  }
};
`

const typeScript = `import type { DataTypes, QueryInterface } from 'sequelize';

export async function up(queryInterface: QueryInterface, Sequelize: typeof DataTypes): Promise<void> {
  // await queryInterface.createTable('users', { id: Sequelize.INTEGER });
}

export async function down(queryInterface: QueryInterface, Sequelize: typeof DataTypes): Promise<void> {
  // await queryInterface.dropTable('users');
}
`

const module = `/** @type {import('sequelize-cli').Migration['up']} */
export async function up(queryInterface, Sequelize) {
  // await queryInterface.createTable('users', { id: Sequelize.INTEGER });
}

/** @type {import('sequelize-cli').Migration['down']} */
export async function down(queryInterface, Sequelize) {
  // await queryInterface.dropTable('users');
}
`

/** Source: `templates.ts` of umzug 3, with the context that its documentation proposes. */
const umzugTypeScript = `import type { QueryInterface } from 'sequelize';
import type { MigrationFn } from 'umzug';

export const up: MigrationFn<QueryInterface> = async ({ context: queryInterface }) => {};
export const down: MigrationFn<QueryInterface> = async ({ context: queryInterface }) => {};
`

const umzugModule = `/** @type {import('umzug').MigrationFn<import('sequelize').QueryInterface>} */
export const up = async ({ context: queryInterface }) => {};

/** @type {import('umzug').MigrationFn<import('sequelize').QueryInterface>} */
export const down = async ({ context: queryInterface }) => {};
`

const umzugCommonJs = `/** @type {import('umzug').MigrationFn<import('sequelize').QueryInterface>} */
exports.up = async ({ context: queryInterface }) => {};

/** @type {import('umzug').MigrationFn<import('sequelize').QueryInterface>} */
exports.down = async ({ context: queryInterface }) => {};
`
