import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { compareRatio } from '../lib/rows.mjs'
import { findMedian, time } from '../lib/statistics.mjs'
import { knexSqlite } from '../runners/knex-sqlite.mjs'
import { tenantry } from '../runners/tenantry.mjs'

const Database = createRequire(import.meta.url)('libsql')
const folder = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url))
const knexFolder = folder('knex-sqlite-migrations')
/** A round takes minutes, and what it measures has nothing to do with a server's state. */
const mostRounds = 3
const rowTables = ['members', 'orders', 'order_items', 'invoices', 'settings']

/** Ten migrations to a file per tenant: loops with Knex, and tenantry over Knex's folder and over a folder of SQL. */
export async function measureSqliteFiles(context) {
  const { options, temp, log } = context
  const count = options.sizes.sqliteFiles
  const { concurrency } = options
  const sides = {
    'knex, one by one': { historyTable: 'knex_migrations', run: knexLoop(1) },
    [`knex, ${concurrency} at once`]: { historyTable: 'knex_migrations', run: knexLoop(concurrency) },
    'tenantry, Knex folder': { historyTable: 'knex_migrations', run: ours(concurrency, knexFolder, 'knex') },
    'tenantry, SQL folder': {
      historyTable: 'schema_migrations',
      run: ours(concurrency, folder('sqlite-migrations'), 'sql'),
    },
  }
  const loops = Object.keys(sides).filter((name) => name.startsWith('knex'))
  const reference = await runOnce(temp, 1, sides[loops[0]], null)
  for (const side of Object.values(sides)) await runOnce(temp, 4, side, reference)

  const times = await measureRounds(Math.min(options.pairs, mostRounds), Object.keys(sides), async (name) => {
    const { ms } = await runOnce(temp, count, sides[name], reference)
    log(`  ${name.padEnd(24)} ${(ms / 1000).toFixed(2)} s, ${(ms / count).toFixed(1)} ms per file`)
    return ms
  })
  const [best, other] = loops.sort((a, b) => findMedian(times.get(a)) - findMedian(times.get(b)))
  const pair = (ours, against) => times.get(ours).map((ms, round) => ({ ours: ms, other: times.get(against)[round] }))
  const work = (ours) => `10 migrations to ${count} SQLite files, ${ours}`
  const ownSides = Object.keys(sides).filter((name) => !loops.includes(name))
  return ownSides.flatMap((ours) => [
    compareRatio({ work: work(ours), against: best, pairs: pair(ours, best), timesFaster: 3 }),
    compareRatio({ work: work(ours), against: other, pairs: pair(ours, other) }),
  ])
}

/** Every side once per round, every second round backwards: sides of one round are compared with each other. */
async function measureRounds(rounds, names, measure) {
  const times = new Map(names.map((name) => [name, []]))
  for (let round = 0; round < rounds; round++)
    for (const name of round % 2 === 0 ? names : names.toReversed()) times.get(name).push(await measure(name))
  return times
}

const knexLoop = (concurrency) => (files) => knexSqlite.migrateFiles({ files, migrations: knexFolder, concurrency })
const ours = (concurrency, migrations, format) => (files) =>
  tenantry.migrateFiles({ files, migrations, format, concurrency })

/** One run over fresh files, timed, then each of them looked at. @returns {Promise<{ ms: number, found: string }>} */
async function runOnce(temp, count, { run, historyTable }, reference) {
  const dir = await mkdtemp(path.join(temp, 'files-'))
  try {
    const files = Array.from({ length: count }, (_, index) =>
      path.join(dir, `t_${String(index + 1).padStart(5, '0')}.db`),
    )
    // An empty file is an empty database, to SQLite and to every tool.
    for (const file of files) await writeFile(file, '')
    const ms = await time(() => run(files))
    let found = ''
    for (const file of files) {
      found = describeFile(file, historyTable)
      if (reference !== null && found !== reference.found) {
        throw new Error(`The work was not done: ${file} has ${found}, expected ${reference.found}`)
      }
    }
    return { ms, found }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** Every object with its columns, every row count, and how many rows the history has. */
function describeFile(file, historyTable) {
  const database = new Database(file, { readonly: true })
  try {
    const all = (sql) => database.prepare(sql).all()
    const objects = all(
      `SELECT type, name, tbl_name, (SELECT group_concat(name || ' ' || type || ' ' || "notnull") FROM pragma_table_info(m.name)) AS columns
       FROM sqlite_master AS m WHERE name NOT LIKE 'sqlite_%' AND tbl_name NOT LIKE 'knex_%' AND tbl_name NOT LIKE 'tenantry_%'
         AND tbl_name <> 'schema_migrations' ORDER BY type, name`,
    )
    const counts = rowTables.map((table) => all(`SELECT count(*) AS n FROM ${table}`)[0].n)
    const history = all(`SELECT count(*) AS n FROM ${historyTable}`)[0].n
    if (history !== 10) throw new Error(`The work was not recorded: ${historyTable} of ${file} has ${history} rows`)
    return JSON.stringify({ objects: objects.map((row) => Object.values(row).join(' ')), counts })
  } finally {
    database.close()
  }
}
