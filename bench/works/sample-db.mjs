import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { runNode } from '../lib/child.mjs'
import { createDatabases, dropDatabases, withClient } from '../lib/fleet.mjs'
import { compareRatio } from '../lib/rows.mjs'
import { measurePairs, time } from '../lib/statistics.mjs'

const masters = 10
const emptied = 189

/**
 * A database of 200 tables made a sample, through the command line, against the bare statements that do the same, which
 * know beforehand what to do, on an equal copy.
 */
export async function measureSampleDb({ server, options, runners, temp, log }) {
  const rows = options.sizes.sampleRows
  const [template, copy] = await createDatabases(server, 2)
  const url = server.url(copy)
  try {
    await withClient(server.url(template), async (client) => {
      for (const statement of makeStatements(rows)) await client.query(statement)
      await client.query('VACUUM ANALYZE')
    })
    const cwd = await writeProject(path.join(temp, 'sample-db'), url, copy, rows)
    const command = [runners.tenantry.cliFile(), 'sample-db', '--confirm', '--database', copy, '--json']
    const emptiedNames = Array.from({ length: emptied }, (_, i) => `work_${i}`)
    const measured = {
      statements: () =>
        withClient(url, (client) =>
          client.query(
            `BEGIN; TRUNCATE ${emptiedNames.join(', ')} RESTART IDENTITY; DELETE FROM users WHERE id <> 1; ALTER SEQUENCE users_id_seq RESTART WITH 2; COMMIT`,
          ),
        ),
      tenantry: () => runNode(command, { cwd }),
    }
    const pairs = await measurePairs({
      rounds: options.pairs,
      ours: 'tenantry',
      others: ['statements'],
      async measure(name) {
        await dropDatabases(server, [copy])
        await server.query(`CREATE DATABASE ${copy} TEMPLATE ${template}`)
        await server.query('CHECKPOINT')
        const ms = await time(measured[name])
        log(`  ${name.padEnd(20)} ${(ms / 1000).toFixed(2)} s`)
        await check(url, emptiedNames)
        return ms
      },
    })
    const work = `sample-db, 200 tables, ${rows.toLocaleString('en-US')} rows`
    return [compareRatio({ work, against: 'bare TRUNCATE and DELETE', pairs: pairs.get('statements'), atMost: 1.5 })]
  } finally {
    await dropDatabases(server, [copy, template])
  }
}

function makeStatements(rows) {
  const each = Math.round(rows / emptied)
  const fill = (table, columns, values, count) =>
    `INSERT INTO ${table} (${columns}) SELECT ${values} FROM generate_series(1, ${count}) i`
  const statements = []
  for (let i = 0; i < masters; i++) {
    statements.push(`CREATE TABLE master_${i} (id serial PRIMARY KEY, name text NOT NULL)`)
    statements.push(fill(`master_${i}`, 'name', `'name ' || i`, 100))
  }
  statements.push(
    'CREATE TABLE users (id serial PRIMARY KEY, role int NOT NULL REFERENCES master_0, email text NOT NULL)',
  )
  statements.push(fill('users', 'role, email', `1 + i % 100, 'user' || i || '@example.com'`, 1000))
  for (let i = 0; i < emptied; i++) {
    const user = i % 10 === 0 ? 'REFERENCES users' : ''
    const before = i === 0 ? '' : `REFERENCES work_${i - 1}`
    statements.push(
      `CREATE TABLE work_${i} (id serial PRIMARY KEY, user_id int NOT NULL ${user}, before_id int ${before}, master int NOT NULL REFERENCES master_${i % masters}, note text)`,
    )
    const values = `1 + i % 1000, ${i === 0 ? 'NULL' : 'i'}, 1 + i % 100, 'note ' || i`
    statements.push(fill(`work_${i}`, 'user_id, before_id, master, note', values, each))
    statements.push(`CREATE INDEX ON work_${i} (user_id)`)
  }
  return statements
}

async function check(url, emptiedNames) {
  const question = emptiedNames.map((name) => `SELECT count(*) AS n FROM ${name}`).join(' UNION ALL ')
  const { rows } = await withClient(url, (client) =>
    client.query(`SELECT (SELECT sum(n)::int FROM (${question}) q) AS left, (SELECT count(*)::int FROM users) AS users,
      (SELECT count(*)::int FROM master_0) AS masters, nextval('work_7_id_seq')::int AS next, nextval('users_id_seq')::int AS user`),
  )
  const found = JSON.stringify(rows[0])
  if (found !== '{"left":0,"users":1,"masters":100,"next":1,"user":2}')
    throw new Error(`not what it should be: ${found}`)
}

async function writeProject(cwd, url, database, rows) {
  await mkdir(path.join(cwd, 'migrations'), { recursive: true })
  await writeFile(path.join(cwd, 'migrations', '001_nothing.sql'), 'SELECT 1;\n')
  const names = Array.from({ length: masters }, (_, i) => `master_${i}`)
  const config = {
    servers: { main: { url } },
    migrations: { dir: './migrations' },
    tenants: [{ slug: 'solo', topology: 'database', server: 'main', database }],
    sampleDb: { keep: [...names, { table: 'users', limit: 1 }], maxRows: rows },
  }
  await writeFile(path.join(cwd, 'tenantry.config.json'), JSON.stringify(config), { mode: 0o600 })
  return cwd
}
