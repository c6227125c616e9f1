import { createDatabases, dropDatabases, withClient } from './fleet.mjs'

const objectsSql = `
  SELECT n.nspname AS schema, 'relation' AS kind, c.relname AS name, c.relkind::text || ' ' ||
      (SELECT string_agg(a.attname || ' ' || t.typname || CASE WHEN a.attnotnull THEN '!' ELSE '' END, ', ' ORDER BY a.attnum)
        FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = c.oid AND a.attnum > 0) AS detail
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname LIKE $1
  UNION ALL SELECT n.nspname, 'type', t.typname, (SELECT string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid)
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typtype = 'e' AND n.nspname LIKE $1
  UNION ALL SELECT n.nspname, 'function', p.proname, md5(p.prosrc)
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname LIKE $1
  UNION ALL SELECT n.nspname, 'trigger', t.tgname, c.relname
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE NOT t.tgisinternal AND n.nspname LIKE $1
  UNION ALL SELECT n.nspname, 'constraint', k.conname, k.contype::text
    FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace WHERE k.contype IN ('c', 'f', 'p', 'u') AND n.nspname LIKE $1`

const rowTables = ['members', 'orders', 'order_items', 'settings']

/**
 * What the ten migrations make, found out by running them with a bare driver; then a check that a schema holds all of it.
 */
export async function prepareVerification(server, sources) {
  const [database] = await createDatabases(server, 1)
  try {
    return await withClient(server.url(database), async (client) => {
      for (const { sql } of sources) await client.query(sql)
      const objects = (await readObjects(client, 'public')).get('public')
      const [rows] = await readCounts(client, ['public'], rowTables)
      return { objects, rows, migrations: sources.length }
    })
  } finally {
    await dropDatabases(server, [database])
  }
}

/** The same from a schema that a tool has migrated: what it holds now. */
export async function describeSchema(url, schema, tables) {
  return withClient(url, async (client) => {
    const objects = (await readObjects(client, schema)).get(schema)
    const [rows] = await readCounts(client, [schema], tables)
    return { objects, rows, tables }
  })
}

/**
 * Throws unless every schema has every object and row of the reference, and one history row per migration.
 * @param {string} url
 * @param {readonly string[]} schemas
 * @param {{ objects: Set<string>, rows: string, migrations: number, tables?: string[] }} reference `tables`: whose rows are counted
 * @param {string} historyTable
 */
export async function verifySchemas(url, schemas, reference, historyTable) {
  await withClient(url, async (client) => {
    const found = await readObjects(client, schemas.length === 1 ? schemas[0] : 't\\_%')
    for (const schema of schemas) {
      const objects = found.get(schema) ?? new Set()
      const missing = [...reference.objects].filter((object) => !objects.has(object))
      if (missing.length > 0) {
        throw new Error(`The work was not done: ${schema} lacks ${missing.length} objects, such as ${missing[0]}`)
      }
    }
    const rows = await readCounts(client, schemas, reference.tables ?? rowTables)
    const history = await readCounts(client, schemas, [historyTable])
    for (const [index, schema] of schemas.entries()) {
      if (rows[index] !== reference.rows) {
        throw new Error(`The work was not done: ${schema} has rows ${rows[index]}, expected ${reference.rows}`)
      }
      if (history[index] !== String(reference.migrations)) {
        throw new Error(`The work was not recorded: ${schema}.${historyTable} has ${history[index]} rows`)
      }
    }
  })
}

async function readObjects(client, like) {
  const result = await client.query(objectsSql, [like])
  const found = new Map()
  for (const { schema, kind, name, detail } of result.rows) {
    const objects = found.get(schema) ?? new Set()
    objects.add(`${kind} ${name} (${detail})`)
    found.set(schema, objects)
  }
  return found
}

/** Per schema the row counts of the tables, as one text; in portions that stay inside the lock table. */
async function readCounts(client, schemas, tables) {
  const counts = []
  for (let start = 0; start < schemas.length; start += 50) {
    const portion = schemas.slice(start, start + 50).map((schema) => {
      const parts = tables.map((table) => `(SELECT count(*) FROM "${schema}"."${table}")`)
      return `SELECT concat_ws('/', ${parts.join(', ')}) AS counts`
    })
    const result = await client.query(portion.join(' UNION ALL '))
    counts.push(...result.rows.map((row) => row.counts))
  }
  return counts
}
