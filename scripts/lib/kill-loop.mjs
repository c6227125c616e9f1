/**
 * Kills a runner with SIGKILL at random moments of `tenantry up`, runs it again, and so on; then looks whether every
 * tenant has everything exactly once.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

/**
 * @typedef {object} KillLoopOptions
 * @property {string} url of an empty database
 * @property {string} database its name
 * @property {(sql: string) => Promise<Record<string, unknown>[]>} query runs SQL in it
 * @property {number} kills how many runs to kill in the middle
 * @property {number} [tenants] schemas. Default 100.
 * @property {(done: number) => void} [onKill]
 */

/**
 * @typedef {object} KillLoopResult
 * @property {number} kills
 * @property {number} finished runs that were done before the shot
 * @property {number} migrations
 * @property {string[]} wrong what should not be; empty: all is well
 */

/**
 * Each run gets new migrations: one that is a transaction, and (every fifth time) one that builds an index
 * CONCURRENTLY between two marker rows, or drops it again. What a killed run left behind is the next one's to finish.
 * @param {KillLoopOptions} options
 * @returns {Promise<KillLoopResult>}
 */
export async function killLoop({ url, database, query, kills, tenants = 100, onKill }) {
  const schemas = Array.from({ length: tenants }, (_, i) => `t_${i + 1}`)
  const dir = mkdtempSync(path.join(tmpdir(), 'tenantry-kill-'))
  /** @type {Map<string, string[]>} markers of each migration */
  const markers = new Map()
  try {
    mkdirSync(path.join(dir, 'migrations'))
    writeFileSync(path.join(dir, 'tenantry.config.json'), JSON.stringify(configFor(url, database, schemas)))
    await query(schemas.map((schema) => `CREATE SCHEMA ${schema};`).join('\n'))
    addMigration(dir, markers, '00000_marks', 'CREATE TABLE marks (name text);', [])
    let killed = 0
    let finished = 0
    for (let round = 1; killed < kills; round++) {
      addMigrations(dir, markers, round)
      if (await runAndKill(dir, tenants)) {
        killed++
        onKill?.(killed)
      } else finished++
    }
    await runToTheEnd(dir)
    const wrong = await findWrong(query, schemas, markers)
    return { kills: killed, finished, migrations: markers.size, wrong }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

/**
 * @param {string} url
 * @param {string} database
 * @param {readonly string[]} schemas
 */
function configFor(url, database, schemas) {
  return {
    servers: { main: { url } },
    migrations: { dir: './migrations' },
    tenants: schemas.map((schema) => ({ slug: schema, topology: 'schema', server: 'main', database, schema })),
  }
}

/**
 * @param {string} dir
 * @param {Map<string, string[]>} markers
 * @param {number} round
 */
function addMigrations(dir, markers, round) {
  const number = String(round).padStart(4, '0')
  const plain = `${number}0_plain`
  addMigration(dir, markers, plain, `CREATE TABLE t_${number} (id int);\n${mark(plain)}`, [plain])
  if (round % 5 !== 0) return
  const steps = `${number}1_steps`
  const last = String(round - 5).padStart(4, '0')
  const change =
    round % 10 === 0
      ? `DROP INDEX CONCURRENTLY marks_${last};`
      : `CREATE INDEX CONCURRENTLY marks_${number} ON marks (name);`
  const names = [`${steps} a`, `${steps} b`]
  addMigration(dir, markers, steps, [mark(`${steps} a`), change, mark(`${steps} b`)].join('\n'), names)
}

/** @param {string} name */
function mark(name) {
  return `INSERT INTO marks VALUES ('${name}');`
}

/**
 * @param {string} dir
 * @param {Map<string, string[]>} markers
 * @param {string} id
 * @param {string} text
 * @param {string[]} names
 */
function addMigration(dir, markers, id, text, names) {
  writeFileSync(path.join(dir, 'migrations', `${id}.sql`), `${text}\n`)
  markers.set(id, names)
}

/** @param {string} dir */
function startUp(dir) {
  return spawn(process.execPath, [main, 'up', '--log-format', 'json'], {
    cwd: dir,
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
}

/**
 * Shoots a moment after so and so many migrations were reported, a number drawn for each run: how long a run takes
 * differs too much between machines to draw a time.
 * @param {string} dir
 * @param {number} tenants
 * @returns {Promise<boolean>} whether it was still running
 * @throws when it failed by itself
 */
async function runAndKill(dir, tenants) {
  const child = startUp(dir)
  const exited = once(child, 'close')
  let output = ''
  let seen = 0
  const moment = Math.floor(Math.random() * tenants)
  const reached = new Promise((resolve) => {
    child.stderr.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
      output += text
      seen += text.split('"migration-finished"').length - 1
      if (seen >= moment) resolve(undefined)
    })
  })
  await Promise.race([reached, exited])
  await sleep(Math.random() * 20)
  child.kill('SIGKILL')
  const [code, signal] = await exited
  if (signal !== 'SIGKILL' && code !== 0) throw new Error(`A run ended with ${code}: ${output.slice(-2000)}`)
  return signal === 'SIGKILL'
}

/**
 * @param {string} dir
 * @throws with what the last run says, if it fails
 */
async function runToTheEnd(dir) {
  const child = startUp(dir)
  let output = ''
  child.stderr.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
    output += text
  })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`The last run ended with ${code}: ${output.slice(-2000)}`)
}

/**
 * @param {(sql: string) => Promise<Record<string, unknown>[]>} query
 * @param {readonly string[]} schemas
 * @param {Map<string, string[]>} markers
 * @returns {Promise<string[]>}
 */
async function findWrong(query, schemas, markers) {
  const ids = JSON.stringify([...markers.keys()].sort())
  const names = JSON.stringify([...markers.values()].flat().sort())
  /** @type {string[]} */
  const wrong = []
  for (const schema of schemas) {
    const [row] = await query(`SELECT
      (SELECT json_agg(name ORDER BY name COLLATE "C")::text FROM ${schema}.marks) AS marks,
      (SELECT json_agg(version ORDER BY version COLLATE "C")::text FROM ${schema}.schema_migrations) AS versions,
      (SELECT json_agg(migration ORDER BY migration COLLATE "C")::text FROM ${schema}.tenantry_ledger
        WHERE state = 'applied' AND statements_done = statements_total) AS applied,
      (SELECT count(*)::int FROM ${schema}.tenantry_ledger) AS ledger,
      obj_description('${schema}.tenantry_ledger'::regclass, 'pg_class') AS half_done,
      (SELECT count(*)::int FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        WHERE c.relnamespace = '${schema}'::regnamespace AND NOT (indisvalid AND indisready)) AS invalid`)
    const same = (/** @type {unknown} */ text) => JSON.stringify(JSON.parse(String(text)))
    if (same(row?.marks) !== names) wrong.push(`${schema}: markers are ${row?.marks}`)
    if (same(row?.versions) !== ids) wrong.push(`${schema}: the history has ${row?.versions}`)
    if (same(row?.applied) !== ids || row?.ledger !== markers.size)
      wrong.push(`${schema}: the ledger has ${row?.applied}`)
    if (row?.half_done !== null) wrong.push(`${schema}: is still marked "${row?.half_done}"`)
    if (row?.invalid !== 0) wrong.push(`${schema}: has ${row?.invalid} invalid indexes`)
  }
  return wrong
}
