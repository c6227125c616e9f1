import { readFile } from 'node:fs/promises'
import { dirname, extname, join } from 'node:path'
import { TenantryError } from '../../model/errors.ts'
import type { FormatOptions, TemplateFile } from '../../model/format.ts'
import type { FolderEntry } from '../list-folder.ts'
import { makeSlug } from '../slug.ts'
import { type ProjectSource, readDataSource } from './data-source.ts'
import { folderOf, listMigrationFiles } from './list-files.ts'
import { timestampOf } from './migration-name.ts'
import { readClasses } from './read-classes.ts'

/**
 * What `typeorm migration:create` writes: `1700000000000-AddUsers.ts` with an empty class, or JavaScript where the
 * folder's last file is. Throws `USAGE` for a name that gives no class.
 */
export async function writeTypeormTemplate(
  options: FormatOptions,
  name: string,
  { now }: { now: Date },
): Promise<TemplateFile[]> {
  const source = await readDataSource(options).catch(() => null)
  const files = await listMigrationFiles(options, source, [])
  const { last, latest } = await findLatest(files)
  const extension = last === null ? defaultExtension(source) : extname(last.path)
  // After the last one, also when that was made in this very millisecond, or with a time to come.
  const timestamp = Math.max(now.getTime(), latest + 1)
  const file = fileName(name)
  const dir = last === null ? folderOf(files, options) : dirname(last.path)
  const isModule = last === null ? await hasModules(dir) : /^export\s/m.test(await readText(last.path))
  const text = write(`${className(name)}${timestamp}`, extension, isModule)
  return [{ path: join(dir, `${timestamp}-${file}${extension}`), text }]
}

/** By the times in the names of classes, or of files whose classes cannot be read. */
async function findLatest(files: readonly FolderEntry[]): Promise<{ last: FolderEntry | null; latest: number }> {
  let last: FolderEntry | null = null
  let latest = 0
  for (const file of files) {
    const classes = readClasses(await readText(file.path)) ?? []
    const inName = Number(/\d{13}/.exec(file.name)?.[0] ?? 0)
    const time = Math.max(inName, ...classes.map((one) => timestampOf(one.name) ?? 0))
    if (time > latest) [last, latest] = [file, time]
  }
  return { last, latest }
}

function defaultExtension(source: ProjectSource | null): string {
  const own = source === null ? '.ts' : extname(source.path)
  return own === '.json' ? '.js' : own
}

/** Kept as given where it can be a file's name, as by TypeORM. */
function fileName(name: string): string {
  return /^[A-Za-z][\w-]*$/.test(name) ? name : makeSlug(name)
}

/** `add-users` and `add_users` become `AddUsers`. Source: `camelCase` of TypeORM's `StringUtils`. */
function className(name: string): string {
  const words = fileName(name).split(/[-_]+/).filter(Boolean)
  const joined = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')
  if (/^[A-Za-z]/.test(joined)) return joined
  throw new TenantryError('USAGE', `The name ${JSON.stringify(name)} gives no name of a class.`, {
    hint: 'Begin it with a letter, for example `tenantry make AddUsers`.',
  })
}

/** Does the nearest manifest make `.js` files ES modules? */
async function hasModules(from: string): Promise<boolean> {
  for (let dir = from; ; dir = dirname(dir)) {
    const text = await readText(join(dir, 'package.json'))
    if (text !== '') return /"type"\s*:\s*"module"/.test(text)
    if (dirname(dir) === dir) return false
  }
}

function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '')
}

/** Source: `MigrationCreateCommand` of TypeORM. */
function write(name: string, extension: string, isModule: boolean): string {
  if (/^\.[cm]?ts$/.test(extension)) {
    return `import { MigrationInterface, QueryRunner } from "typeorm";

export class ${name} implements MigrationInterface {

    public async up(queryRunner: QueryRunner): Promise<void> {
    }

    public async down(queryRunner: QueryRunner): Promise<void> {
    }

}
`
  }
  const exported = extension === '.mjs' || (isModule && extension !== '.cjs') ? 'export' : 'module.exports ='
  return `/**
 * @typedef {import('typeorm').MigrationInterface} MigrationInterface
 * @typedef {import('typeorm').QueryRunner} QueryRunner
 */

/**
 * @class
 * @implements {MigrationInterface}
 */
${exported} class ${name} {

    /**
     * @param {QueryRunner} queryRunner
     */
    async up(queryRunner) {
    }

    /**
     * @param {QueryRunner} queryRunner
     */
    async down(queryRunner) {
    }

}
`
}
