import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import makeKnex from 'knex'
import { startMariadb } from '../../scripts/lib/mariadb.mjs'
import { compareRatio } from '../lib/rows.mjs'
import { runAll } from '../lib/run-all.mjs'
import { startTcpDelay } from '../lib/server.mjs'
import { measurePairs, time } from '../lib/statistics.mjs'

const folder = new URL('../mariadb-migrations/', import.meta.url)
/** Durable, as in production. */
const settings = { 'innodb-flush-log-at-trx-commit': '1', 'sync-binlog': '1', 'innodb-flush-method': 'fsync' }

/**
 * Ten SQL files to every database of a MariaDB server, against a loop with Knex that sends each file as one message of
 * several statements, as fast as it can.
 */
export async function measureMariadb(context) {
  const { options, log } = context
  const server = await startMariadb({ settings })
  const delay = await startTcpDelay(server.port, options.delayMs, 'mysql')
  try {
    const count = options.sizes.mariadbDatabases
    const names = Array.from({ length: count }, (_, index) => `tenant_${index + 1}`)
    const dirs = await prepare(context)
    const job = { context, server, names, dirs, reference: '' }
    job.reference = await migrateOnce({ ...job, names: names.slice(0, 1) }, 'knex', server.port)
    await migrateOnce({ ...job, names: names.slice(0, 2) }, 'tenantry', server.port)
    const rows = []
    for (const [where, port, timesFaster] of [
      ['local', server.port, 1.2],
      [`${options.delayMs} ms each way`, delay.port, 2],
    ]) {
      const pairs = await measurePairs({
        rounds: options.pairs,
        ours: 'tenantry',
        others: ['knex'],
        async measure(name) {
          let ms = 0
          await migrateOnce(job, name, port, (spent) => {
            ms = spent
          })
          log(`  ${name.padEnd(20)} ${(ms / 1000).toFixed(2)} s, ${(ms / count).toFixed(1)} ms per database`)
          return ms
        },
      })
      const work = `10 SQL migrations to ${count} MariaDB databases, ${where}`
      rows.push(compareRatio({ work, against: 'knex', pairs: pairs.get('knex'), timesFaster }))
    }
    return rows
  } finally {
    await delay.stop()
    await server.stop()
  }
}

/** The same statements for both: Knex's driver knows no DELIMITER, so its files are without. */
async function prepare({ temp }) {
  const dirs = { tenantry: path.join(temp, 'mariadb-sql'), knex: path.join(temp, 'mariadb-knex') }
  for (const dir of Object.values(dirs)) await mkdir(dir)
  for (const file of (await readdir(folder)).sort()) {
    const sql = await readFile(new URL(file, folder), 'utf8')
    await writeFile(path.join(dirs.tenantry, file), sql)
    const plain = sql.replaceAll(/^DELIMITER .*$/gm, '').replaceAll('//', ';')
    const code = `exports.up = (knex) => knex.raw(${JSON.stringify(plain)})\nexports.down = async () => {}\n`
    await writeFile(path.join(dirs.knex, file.replace(/\.sql$/, '.cjs')), code)
  }
  return dirs
}

/** One run over fresh databases; all of them must come out alike. @returns {Promise<string>} what came out */
async function migrateOnce({ context, server, names, dirs, reference }, name, port, onTime) {
  for (const database of names)
    await server.query(`DROP DATABASE IF EXISTS ${database}; CREATE DATABASE ${database} CHARACTER SET utf8mb4`)
  const { concurrency } = context.options
  const urls = names.map((database) => {
    const url = new URL(server.url(database))
    url.port = String(port)
    return url.href
  })
  const ms = await time(() =>
    name === 'knex'
      ? runAll(urls, concurrency, (url) => migrateWithKnex(url, dirs.knex))
      : context.runners.tenantry.migrateDatabases({ urls, concurrency, migrations: dirs.tenantry }),
  )
  onTime?.(ms)
  const pictures = new Set()
  for (const database of names) pictures.add(await describe(server, database))
  const [picture] = pictures
  if (pictures.size > 1 || (reference !== '' && picture !== reference)) throw new Error(`${name} made another schema`)
  return picture
}

async function migrateWithKnex(url, directory) {
  const { hostname, port, username, password, pathname } = new URL(url)
  const instance = makeKnex({
    client: 'mysql2',
    connection: {
      host: hostname,
      port: Number(port),
      user: decodeURIComponent(username),
      password: decodeURIComponent(password),
      database: pathname.slice(1),
      multipleStatements: true,
    },
    pool: { min: 0, max: 1 },
    migrations: { directory },
  })
  try {
    await instance.migrate.latest()
  } finally {
    await instance.destroy()
  }
}

async function describe(server, database) {
  const own = `NOT IN ('schema_migrations', 'tenantry_ledger', 'knex_migrations', 'knex_migrations_lock')`
  const questions = [
    `SELECT table_name, column_name, column_type, is_nullable, column_default FROM information_schema.columns
       WHERE table_schema = '${database}' AND table_name ${own} ORDER BY 1, ordinal_position`,
    `SELECT table_name, index_name, seq_in_index, column_name FROM information_schema.statistics
       WHERE table_schema = '${database}' AND table_name ${own} ORDER BY 1, 2, 3`,
    `SELECT trigger_name, event_object_table FROM information_schema.triggers WHERE trigger_schema = '${database}'`,
    'SELECT name, value FROM settings ORDER BY name',
    'SELECT email FROM members ORDER BY id',
  ]
  const answers = []
  for (const sql of questions) answers.push(await server.query(sql, database))
  return JSON.stringify(answers)
}
