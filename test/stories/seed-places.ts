/** One target on each kind of server, for stories about seeds. */
import { describe, test } from 'vitest'
import { freshDatabase } from '../servers/shared.ts'
import { freshMariadb, withMariadb } from '../servers/shared-mariadb.ts'
import { makeProject, type Project } from './project.ts'
import { makeFolder } from './sqlite-files.ts'

export interface SeedPlace {
  project: Project
  /** In the target. */
  ask(sql: string): Promise<Record<string, unknown>[]>
  close(): Promise<void>
  /** Writes the config anew, with more of it. */
  configure(more?: Record<string, unknown>): void
  target: string
}

/** Column types that mean the same everywhere, by their names here. */
export type Words = Record<'id' | 'text' | 'json' | 'time' | 'blob' | 'bool', string>

const environments = { staging: {}, production: {}, development: {} }
const standard = { text: 'varchar(100)', time: 'timestamp', bool: 'boolean' }

const kinds: Record<string, { words: Words; open: () => Promise<SeedPlace> }> = {
  'a PostgreSQL database': {
    words: { ...standard, id: 'serial PRIMARY KEY', json: 'jsonb', blob: 'bytea', time: 'timestamptz' },
    open: () => openPostgres(null),
  },
  'a PostgreSQL schema': {
    words: { ...standard, id: 'serial PRIMARY KEY', json: 'json', blob: 'bytea' },
    open: () => openPostgres('t_acme'),
  },
  MariaDB: {
    words: { ...standard, id: 'int AUTO_INCREMENT PRIMARY KEY', json: 'json', blob: 'blob', time: 'datetime' },
    open: openMariadb,
  },
  SQLite: {
    words: { ...standard, id: 'INTEGER PRIMARY KEY', json: 'TEXT', blob: 'BLOB' },
    open: openSqlite,
  },
}

/** The same test on every kind. */
export function onEach(title: string, run: (place: SeedPlace, words: Words) => Promise<void>, timeout = 60_000): void {
  for (const [kind, { words, open }] of Object.entries(kinds)) {
    const define = () =>
      test(`${title}, in ${kind}`, { timeout }, async () => {
        const place = await open()
        try {
          await run(place, words)
        } finally {
          await place.close()
        }
      })
    if (kind === 'MariaDB') withMariadb(kind, define)
    else describe(kind, define)
  }
}

export async function openPostgres(schema: string | null): Promise<SeedPlace> {
  const database = await freshDatabase('seeds')
  if (schema !== null) await database.query(`CREATE SCHEMA ${schema}`)
  const project = makeProject()
  const tenant =
    schema === null
      ? { slug: 'acme', topology: 'database', server: 'main', database: database.name }
      : { slug: 'acme', topology: 'schema', server: 'main', database: database.name, schema }
  const configure = (more = {}) =>
    project.configure({ servers: { main: { url: database.url } }, tenants: [tenant], environments, ...more })
  configure()
  return {
    project,
    configure,
    target: `main/${database.name}${schema === null ? '' : `/${schema}`}`,
    ask: (sql) => database.query(schema === null ? sql : `SET search_path = ${schema}; ${sql}`),
    async close() {
      project.remove()
      await database.drop()
    },
  }
}

export async function openMariadb(): Promise<SeedPlace> {
  const database = await freshMariadb('seeds')
  const project = makeProject()
  const tenant = { slug: 'acme', topology: 'database', server: 'main', database: database.name }
  const configure = (more = {}) =>
    project.configure({ servers: { main: { url: database.url } }, tenants: [tenant], environments, ...more })
  configure()
  return {
    project,
    configure,
    target: `main/${database.name}`,
    ask: (sql) => database.query(sql),
    async close() {
      project.remove()
      await database.drop()
    },
  }
}

export async function openSqlite(): Promise<SeedPlace> {
  const folder = makeFolder()
  await folder.make('acme')
  const project = makeProject()
  const configure = (more = {}) =>
    project.configure({
      servers: { main: { url: `sqlite:${folder.path}` } },
      tenants: [{ slug: 'acme', server: 'main', database: 'acme' }],
      environments,
      ...more,
    })
  configure()
  return {
    project,
    configure,
    target: 'main/acme.db',
    ask: (sql) => folder.run('acme', sql),
    async close() {
      project.remove()
      folder.remove()
    },
  }
}
