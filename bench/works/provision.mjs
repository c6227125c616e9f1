import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { runNode } from '../lib/child.mjs'
import { createDatabases, dropDatabases, withClient } from '../lib/fleet.mjs'
import { compareRatio } from '../lib/rows.mjs'
import { measurePairs, time } from '../lib/statistics.mjs'

const tables = 20
const perTable = 20

/** A new tenant in a schema, made from a snapshot, against every migration run by `up`. */
export const measureProvisionSchema = (context) => measureProvision(context, 'schema', 8)

/** A new tenant in a database of its own, made from the template, against every migration run by `up`. */
export const measureProvisionDatabase = (context) => measureProvision(context, 'database', 10)

async function measureProvision({ server, options, runners, temp, log }, topology, timesFaster) {
  const { tenantry } = runners
  const databases = await createDatabases(server, 3)
  const [registry, app, empty] = databases
  const made = []
  try {
    const cwd = path.join(temp, `provision-${topology}`)
    const migrations = path.join(cwd, 'migrations')
    await mkdir(migrations, { recursive: true })
    const sources = historySources()
    for (const { id, sql } of sources) await writeFile(path.join(migrations, `${id}.sql`), sql)
    const config = {
      servers: { main: { url: server.url(app) } },
      scratch: { server: 'main' },
      migrations: { dir: './migrations' },
      tenants: { from: 'registry' },
      registry: { url: server.url(registry) },
      provision: { topology },
    }
    await writeFile(path.join(cwd, 'tenantry.config.json'), JSON.stringify(config))
    const env = { MASTER_ENCRYPTION_KEY: 'bench-'.repeat(6).slice(0, 32) }
    await runNode([tenantry.cliFile(), 'registry', 'migrate', '--quiet'], { cwd })
    const { openTenantry } = await import(pathToFileURL(path.join(tenantry.dist, 'index.js')).href)
    let number = 0
    const measured = {
      async provision() {
        const fleet = await openTenantry({ cwd, env })
        try {
          const { source, verified, tenant } = await fleet.provision({ slug: `tenant-${++number}` })
          if (topology === 'database') made.push(tenant.target.split('/')[1])
          const expected = topology === 'schema' ? 'snapshot' : 'template'
          if (source !== expected || !verified) throw new Error(`made from ${source}, verified: ${verified}`)
        } finally {
          await fleet.close()
        }
      },
      replay: () => replay(openTenantry, { cwd, env, sources, ...target() }),
    }
    function target() {
      return topology === 'schema'
        ? { server, database: app, schema: `replay_${++number}` }
        : { server, database: empty, schema: null }
    }
    // The first tenant builds what the others are made from.
    await measured.provision()
    const pairs = await measurePairs({
      rounds: options.pairs,
      ours: 'provision',
      others: ['replay'],
      async measure(name) {
        if (name === 'replay' && topology === 'database') await renew(server, empty)
        await server.query('CHECKPOINT')
        const ms = await time(measured[name])
        log(`  ${name.padEnd(20)} ${ms.toFixed(0)} ms`)
        return ms
      },
    })
    const work = `a new tenant, ${tables * perTable} migrations of ${tables} tables: ${topology === 'schema' ? 'a schema from a snapshot' : 'a database from the template'}`
    return [compareRatio({ work, against: 'every migration, by `up`', pairs: pairs.get('replay'), timesFaster })]
  } finally {
    await dropDatabases(server, [...databases, ...made])
  }
}

/** An empty place, filled by `up` as one of a list. Making the place is not counted. */
async function replay(openTenantry, { server, cwd, env, sources, database, schema }) {
  const file = path.join(cwd, 'replay.config.json')
  const placement = schema === null ? { topology: 'database' } : { topology: 'schema', schema }
  if (schema !== null) await server.query(`CREATE SCHEMA "${schema}"`, database)
  await writeFile(
    file,
    JSON.stringify({
      servers: { main: { url: server.url(database) } },
      migrations: { dir: './migrations' },
      tenants: [{ slug: 'replay', server: 'main', database, ...placement }],
    }),
  )
  const fleet = await openTenantry({ cwd, env, config: file })
  try {
    const { targets } = await fleet.up()
    if (targets[0]?.applied.length !== sources.length) throw new Error(JSON.stringify(targets[0]?.error))
  } finally {
    await fleet.close()
  }
}

async function renew(server, name) {
  await dropDatabases(server, [name])
  await withClient(server.url('postgres'), (client) => client.query(`CREATE DATABASE ${name}`))
}

/**
 * Twenty tables with twenty changes each, as a product has them after some years: columns that came and went, indexes
 * and constraints that were replaced, views and triggers that were written anew, rows that were filled in.
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
    (t) => `UPDATE ${t} SET amount = 1 WHERE name = 'first';`,
    (t) => `COMMENT ON TABLE ${t} IS 'what ${t} is for';`,
  ]
  return Array.from({ length: tables * perTable }, (_, index) => {
    const part = Math.floor(index / perTable)
    const [name, before] = [`part_${part + 1}`, part === 0 ? null : `part_${part}`]
    const sql = `${changes[index % perTable](name, before)}\n`
    return { id: `${String(index + 1).padStart(3, '0')}_${name}`, sql }
  })
}
