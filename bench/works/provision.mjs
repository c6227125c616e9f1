import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import pg from 'pg'
import { runNode } from '../lib/child.mjs'
import { createDatabases, dropDatabases, withClient } from '../lib/fleet.mjs'
import { compareRatio } from '../lib/rows.mjs'
import { findMedian, measurePairs, time } from '../lib/statistics.mjs'

const tables = 20
const perTable = 20
/** Of starts of a process, and of what the server needs by itself: told for information. */
const fewPairs = 3
const env = { MASTER_ENCRYPTION_KEY: 'bench-'.repeat(6).slice(0, 32) }

/** A new tenant in a schema, made from a snapshot, against the same with every migration run. */
export const measureProvisionSchema = (context) => measureProvision(context, 'schema', 8)

/** A new tenant in a database of its own, made from the template, against the same with every migration run. */
export const measureProvisionDatabase = (context) => measureProvision(context, 'database', 10)

/**
 * An API server keeps one tenantry open and makes tenants over it, one after the other: that is what is judged. Both
 * sides do all of it (registry, role, grants, rows of the history, comparison with the reference); they differ in
 * `provision.from` only. Beside it, for information: one tenant in a process of its own, the first one of all, and what
 * the server takes without us.
 */
async function measureProvision({ server, options, runners, temp, log }, topology, timesFaster) {
  const { tenantry } = runners
  const databases = await createDatabases(server, 2)
  const [registry, app] = databases
  const made = []
  const open = []
  try {
    const cwd = path.join(temp, `provision-${topology}`)
    const sources = historySources()
    const configs = await writeProject(cwd, sources, {
      servers: { main: { url: server.url(app) } },
      scratch: { server: 'main' },
      migrations: { dir: './migrations' },
      tenants: { from: 'registry' },
      registry: { url: server.url(registry) },
      topology,
    })
    await runNode([tenantry.cliFile(), 'registry', 'migrate', '--quiet', '--config', configs.auto], { cwd })
    const { openTenantry } = await import(pathToFileURL(path.join(tenantry.dist, 'index.js')).href)
    let number = 0
    const copied = topology === 'schema' ? 'snapshot' : 'template'
    const sides = {}
    for (const from of ['auto', 'replay']) {
      const fleet = await openTenantry({ cwd, env, config: configs[from] })
      open.push(fleet)
      sides[from] = async () =>
        check(await fleet.provision({ slug: `tenant-${++number}` }), from === 'auto' ? copied : 'replay')
      sides[`${from}, cold`] = async () => {
        const args = ['tenants', 'add', `tenant-${++number}`, '--provision', '--json', '--config', configs[from]]
        const { stdout } = await runNode([tenantry.cliFile(), ...args], { cwd, env })
        check(JSON.parse(stdout), from === 'auto' ? copied : 'replay')
      }
    }
    function check({ source, verified, tenant }, expected) {
      if (topology === 'database') made.push(tenant.target.split('/')[1])
      if (source !== expected || !verified) throw new Error(`made from ${source}, verified: ${verified}`)
    }
    async function pair(rounds, ours, other) {
      return (await measurePairs({ rounds, ours, others: [other], measure })).get(other)
    }
    async function measure(name) {
      await server.query('CHECKPOINT')
      const ms = await time(sides[name])
      log(`  ${name.padEnd(20)} ${ms.toFixed(0)} ms`)
      return ms
    }
    // Builds what the others are copied from, and the reference that both sides are compared with.
    const first = await measure('auto')
    await sides.replay()
    const warm = await pair(options.sizes.provisions, 'auto', 'replay')
    const cold = await pair(fewPairs, 'auto, cold', 'replay, cold')
    Object.assign(sides, await openFloor({ server, cwd, topology, app, sources, made, open }))
    const bare = await pair(fewPairs, 'copy alone', 'history alone')

    const by = topology === 'schema' ? 'a schema from a snapshot' : 'a database from the template'
    const work = `a new tenant, ${sources.length} migrations of ${tables} tables: ${by}`
    return [
      describe({ work, against: "`from: 'replay'`, both open", pairs: warm, timesFaster }),
      describe({ work: `${by}: one tenant, start of the process included`, against: 'the same', pairs: cold }),
      describe({ work: `${by}: by the server alone`, against: 'a message per migration', pairs: bare }),
      {
        work: `${by}: the first tenant, with what the others are copied from`,
        target: 'for information',
        measured: `${(first / 1000).toFixed(1)} s`,
        reached: null,
        figures: { ms: first },
      },
    ]
  } finally {
    for (const one of open) await one.close()
    await dropDatabases(server, [...databases, ...made])
  }
}

/** With the median of either side. */
function describe(compared) {
  const row = compareRatio(compared)
  const [ours, other] = ['ours', 'other'].map((side) => findMedian(compared.pairs.map((one) => one[side])).toFixed(0))
  return { ...row, measured: `${row.measured}: ${ours} ms, not ${other} ms` }
}

/** One config for each side, over one folder, registry and server. */
async function writeProject(cwd, sources, { topology, ...config }) {
  await mkdir(path.join(cwd, 'migrations'), { recursive: true })
  for (const { id, sql } of sources) await writeFile(path.join(cwd, 'migrations', `${id}.sql`), sql)
  const files = {}
  for (const from of ['auto', 'replay']) {
    files[from] = path.join(cwd, `${from}.config.json`)
    await writeFile(files[from], JSON.stringify({ ...config, provision: { topology, from } }))
  }
  return files
}

/**
 * The least that either way takes: the text of the snapshot in one message, or CREATE DATABASE from the template; and a
 * message per migration. No role, no grants, no history, no registry, no comparison.
 */
async function openFloor({ server, cwd, topology, app, sources, made, open }) {
  let number = 0
  const copies = await openClient(topology === 'schema' ? app : 'postgres')
  async function openClient(database) {
    const client = new pg.Client({ connectionString: server.url(database) })
    await client.connect()
    open.push({ close: () => client.end() })
    return client
  }
  async function runHistory(client, schema) {
    for (const { sql } of sources) await client.query(`BEGIN; SET LOCAL search_path = "${schema}"; ${sql} COMMIT`)
  }
  if (topology === 'schema') {
    const folder = path.join(cwd, '.tenantry', 'snapshots')
    const [file] = await readdir(folder)
    const { statements, placeholder } = JSON.parse(await readFile(path.join(folder, file), 'utf8')).snapshot
    const text = statements.join('\n')
    return {
      async 'copy alone'() {
        const schema = `copy_${++number}`
        const own = text.replaceAll(`"${placeholder}"`, `"${schema}"`).replaceAll(`'${placeholder}'`, `'${schema}'`)
        const settings = `SET LOCAL search_path = ''; SET LOCAL check_function_bodies = off`
        await copies.query(`BEGIN; CREATE SCHEMA ${schema}; ${settings};\n${own}\nCOMMIT`)
      },
      async 'history alone'() {
        const schema = `history_${++number}`
        await copies.query(`CREATE SCHEMA ${schema}`)
        await runHistory(copies, schema)
      },
    }
  }
  const like = `SELECT datname FROM pg_database WHERE datname ~ '^tenantry_template_'`
  const templates = await server.query(like)
  for (const { datname } of templates) made.push(datname)
  const template = templates[0].datname
  return {
    async 'copy alone'() {
      const name = `copy_${++number}`
      made.push(name)
      await copies.query(`CREATE DATABASE ${name} TEMPLATE ${template}`)
    },
    async 'history alone'() {
      const name = `history_${++number}`
      made.push(name)
      await copies.query(`CREATE DATABASE ${name}`)
      await withClient(server.url(name), (client) => runHistory(client, 'public'))
    },
  }
}

/**
 * Twenty tables with twenty changes each, as a product has them after some years: columns that came, went and were
 * renamed, indexes and constraints that were replaced, views and triggers that were written anew, rows that were filled
 * in. Small ones, a statement or two each: about every second statement is still to be seen in what they make.
 */
function historySources() {
  const changes = [
    (t, before) =>
      `CREATE TABLE ${t} (id bigserial PRIMARY KEY, name text NOT NULL, state text NOT NULL DEFAULT 'new', note text, created_at timestamptz NOT NULL DEFAULT now()${before === null ? '' : `, parent_id bigint REFERENCES ${before} (id)`});`,
    (t) => `INSERT INTO ${t} (name) VALUES ('first'), ('second');`,
    (t) => `CREATE INDEX ${t}_state_idx ON ${t} (state);`,
    (t) => `ALTER TABLE ${t} ADD COLUMN email text;`,
    (t) => `UPDATE ${t} SET email = name || '@example.org';`,
    (t) => `ALTER TABLE ${t} ALTER COLUMN email SET NOT NULL;`,
    (t) => `CREATE VIEW ${t}_open AS SELECT id, name FROM ${t} WHERE state = 'new';`,
    (t) => `ALTER TABLE ${t} ADD COLUMN legacy_code integer DEFAULT 0;`,
    (t) => `CREATE INDEX ${t}_legacy_idx ON ${t} (legacy_code);`,
    (t) => `DROP INDEX ${t}_state_idx; CREATE INDEX ${t}_state_idx ON ${t} (state, created_at);`,
    (t) => `CREATE OR REPLACE VIEW ${t}_open AS SELECT id, name, email FROM ${t} WHERE state = 'new';`,
    (t) => `ALTER TABLE ${t} ADD CONSTRAINT ${t}_state_check CHECK (state IN ('new', 'open', 'done'));`,
    (t) =>
      `CREATE FUNCTION ${t}_touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := 'touched'; RETURN NEW; END $$;`,
    (t) => `CREATE TRIGGER touch BEFORE UPDATE ON ${t} FOR EACH ROW EXECUTE FUNCTION ${t}_touch();`,
    (t) => `ALTER TABLE ${t} DROP COLUMN legacy_code;`,
    (t) =>
      `CREATE OR REPLACE FUNCTION ${t}_touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := coalesce(NEW.note, 'touched'); RETURN NEW; END $$;`,
    (t) =>
      `ALTER TABLE ${t} DROP CONSTRAINT ${t}_state_check; ALTER TABLE ${t} ADD CONSTRAINT ${t}_state_check CHECK (state IN ('new', 'open', 'done', 'gone'));`,
    (t) => `ALTER TABLE ${t} ADD COLUMN amount numeric(12, 2) NOT NULL DEFAULT 0;`,
    (t) => `ALTER TABLE ${t} RENAME COLUMN amount TO total;`,
    (t) => `COMMENT ON TABLE ${t} IS 'what ${t} is for';`,
  ]
  return Array.from({ length: tables * perTable }, (_, index) => {
    const part = Math.floor(index / perTable)
    const [name, before] = [`part_${part + 1}`, part === 0 ? null : `part_${part}`]
    const sql = `${changes[index % perTable](name, before)}\n`
    return { id: `${String(index + 1).padStart(3, '0')}_${name}`, sql }
  })
}
