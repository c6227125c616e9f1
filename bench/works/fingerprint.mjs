import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { createDatabases, dropDatabases, withClient } from '../lib/fleet.mjs'
import { compareLimit, compareRatio } from '../lib/rows.mjs'
import { measurePairs, time } from '../lib/statistics.mjs'

const tables = 20

/**
 * Fingerprints of schemas of twenty tables, against the catalog query that somebody would write by hand for the same
 * facts; and what the process needs for it.
 */
export async function measureFingerprint({ server, options, runners, log }) {
  const count = options.sizes.fingerprints
  const [database] = await createDatabases(server, 1)
  try {
    await fill(server.url(database), count)
    const { postgres, Secret, objectKinds } = await load(runners.tenantry.dist)
    const scope = { kinds: objectKinds, exceptTables: [], ignore: [] }
    const targets = Array.from({ length: count }, (_, index) => nameOf(index + 1))
    let growth = 0
    const measured = {
      floor: () => readByHand(server.url(database), count),
      async tenantry() {
        const connection = await connect(postgres, Secret, server.url(database))
        const before = process.memoryUsage().heapUsed
        const { hashes } = await postgres.pictures.fingerprint(connection, targets, scope)
        growth = Math.max(growth, process.memoryUsage().heapUsed - before)
        await connection.close()
        if (hashes[0] === null || new Set(hashes).size !== 1)
          throw new Error('equal schemas have different fingerprints')
      },
    }
    const pairs = await measurePairs({
      rounds: options.pairs,
      ours: 'tenantry',
      others: ['floor'],
      async measure(name) {
        const ms = await time(measured[name])
        log(`  ${name.padEnd(20)} ${ms.toFixed(0)} ms`)
        return ms
      },
    })
    const work = `fingerprint ${count} schemas of ${tables} tables`
    const megabytes = growth / 1024 / 1024
    return [
      compareRatio({ work, against: 'the catalog query by hand', pairs: pairs.get('floor'), atMost: 3 }),
      compareLimit({ work: `${work}: memory`, value: megabytes, unit: 'MB', atMost: 32, detail: 'growth of the heap' }),
    ]
  } finally {
    await dropDatabases(server, [database])
  }
}

const nameOf = (number) => `t_${String(number).padStart(5, '0')}`

async function load(dist) {
  const [{ postgres }, { Secret }, { objectKinds }] = await Promise.all(
    ['dialects/postgres/index.js', 'model/secret.js', 'model/picture.js'].map(
      (file) => import(pathToFileURL(path.join(dist, file)).href),
    ),
  )
  return { postgres, Secret, objectKinds }
}

function connect(postgres, Secret, url) {
  const { hostname, port, username, password, pathname } = new URL(url)
  const server = {
    name: 'main',
    dialect: 'postgres',
    host: hostname,
    port: Number(port),
    user: decodeURIComponent(username),
    password: new Secret(decodeURIComponent(password)),
    tls: null,
    maxConcurrency: 1,
    maxConcurrencyPerDatabase: 1,
  }
  return postgres.connect(server, pathname.slice(1), { applicationName: 'bench', connectTimeoutMs: 10_000 })
}

async function fill(url, count) {
  let body = `CREATE TYPE mood AS ENUM ('calm', 'busy');
    CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN NEW.updated_at := now(); PERFORM 1 FROM "%1$s".t_1; RETURN NEW; END $f$;`
  for (let number = 1; number <= tables; number++) {
    body += `CREATE TABLE t_${number} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, mood mood NOT NULL DEFAULT 'calm',
        amount numeric(12, 2) DEFAULT 0 CHECK (amount >= 0), parent_id bigint ${number > 1 ? `REFERENCES t_${number - 1}` : ''},
        created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz, note varchar(200));
      CREATE INDEX t_${number}_name_idx ON t_${number} (name);`
    if (number % 5 !== 0) continue
    body += `CREATE TRIGGER touch BEFORE UPDATE ON t_${number} FOR EACH ROW EXECUTE FUNCTION touch();
      CREATE VIEW v_${number} AS SELECT a.id, b.name, a.mood FROM t_${number} a JOIN t_${number - 1} b ON b.id = a.parent_id WHERE a.note <> 'x';`
  }
  await withClient(url, (client) =>
    client.query(`DO $do$ DECLARE name text; BEGIN FOR i IN 1..${count} LOOP
      name := 't_' || lpad(i::text, 5, '0');
      EXECUTE format('CREATE SCHEMA %I', name);
      EXECUTE format('SET LOCAL search_path = %I', name);
      EXECUTE format($body$${body}$body$, name);
      COMMIT;
    END LOOP; END $do$`),
  )
}

/** The facts without any order, name or hash; a hundred schemas at a time, so that a client's memory holds them. */
async function readByHand(url, count) {
  await withClient(url, async (client) => {
    for (let from = 1; from <= count; from += 100) {
      const names = Array.from({ length: Math.min(100, count - from + 1) }, (_, index) => nameOf(from + index))
      const { rows } = await client.query(byHand, [names])
      if (rows.length < names.length * tables) throw new Error(`only ${rows.length} relations were read`)
    }
  })
}

const byHand = `SELECT n.nspname, c.relname, c.relkind,
    (SELECT json_agg(json_build_array(a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, pg_get_expr(d.adbin, d.adrelid)) ORDER BY a.attnum)
      FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
    (SELECT json_agg(json_build_array(k.conname, pg_get_constraintdef(k.oid))) FROM pg_constraint k WHERE k.conrelid = c.oid) AS constraints,
    (SELECT json_agg(pg_get_indexdef(i.indexrelid)) FROM pg_index i WHERE i.indrelid = c.oid) AS indexes,
    (SELECT json_agg(pg_get_triggerdef(t.oid)) FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal) AS triggers,
    CASE WHEN c.relkind = 'v' THEN pg_get_viewdef(c.oid) END AS definition
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ANY ($1) AND c.relkind IN ('r', 'v', 'S')`
