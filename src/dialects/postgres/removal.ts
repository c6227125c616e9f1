import { join } from 'node:path'
import type { Removal } from '../../model/removal.ts'
import type { ServerAddress } from '../../model/server.ts'

/** Tables of a schema, or of all but the server's own. Before the first ANALYZE a count is that of the statistics. */
const sizeQuestion = `
SELECT pg_catalog.count(*) FILTER (WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition)::int AS tables,
  coalesce(pg_catalog.sum(CASE WHEN c.relkind = 'r'
    THEN GREATEST(c.reltuples::float8, pg_catalog.pg_stat_get_live_tuples(c.oid)::float8, 0) END), 0)::float8 AS rows,
  coalesce(pg_catalog.sum(pg_catalog.pg_total_relation_size(c.oid)) FILTER (WHERE c.relkind IN ('r', 'm')), 0)::float8 AS bytes,
  pg_catalog.pg_database_size(pg_catalog.current_database())::float8 AS database_bytes
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
WHERE CASE WHEN $1::text IS NULL
  THEN n.nspname NOT IN ('pg_catalog', 'information_schema') AND NOT pg_catalog.starts_with(n.nspname::text, 'pg_toast')
  ELSE n.nspname OPERATOR(pg_catalog.=) $1::name END`

export const removal: Removal = {
  async measure(connection, schema) {
    const [row] = await connection.query(sizeQuestion, [schema])
    const bytes = schema === null ? row?.database_bytes : row?.bytes
    return { tables: Number(row?.tables), rowsEstimate: Math.round(Number(row?.rows)), bytes: Number(bytes) }
  },
  /** Plain SQL for a file named `.sql`, else pg_dump's own format for `pg_restore`. */
  dump(server, database, schema, { file, folder }) {
    const tls = tlsFiles(server, folder)
    return {
      by: 'program',
      programs: ['pg_dump'],
      args: [
        `--format=${/\.sql$/i.test(file) ? 'plain' : 'custom'}`,
        `--file=${file}`,
        '--no-password',
        // A pattern: in quotes each character means itself.
        ...(schema === null ? [] : [`--schema="${schema.replaceAll('"', '""')}"`]),
      ],
      env: {
        // These would lead to another server than the one that is meant.
        PGSERVICE: undefined,
        PGSERVICEFILE: undefined,
        PGHOSTADDR: undefined,
        PGPASSFILE: undefined,
        PGPASSWORD: server.password?.reveal(),
        PGHOST: server.socketPath ?? server.host,
        PGPORT: String(server.port),
        PGDATABASE: database,
        ...(server.user === undefined ? {} : { PGUSER: server.user }),
        ...tls.env,
      },
      secrets: tls.files,
      fits: (said, version) => Number(/\) (\d+)/.exec(said)?.[1] ?? 0) >= Math.floor(version / 10_000),
    }
  },
  isOfServer(database, schema) {
    const own = /^(postgres|template[01])$/.test(database)
    return schema === null ? own : /^(pg_|information_schema$)/.test(schema)
  },
}

function tlsFiles({ tls }: ServerAddress, folder: string) {
  if (tls === null) return { env: { PGSSLMODE: 'prefer' }, files: [] }
  const files: { path: string; text: string }[] = []
  const env: Record<string, string> = {}
  const write = (variable: string, name: string, text: string | undefined) => {
    if (text === undefined) return
    const path = join(folder, name)
    files.push({ path, text })
    env[variable] = path
  }
  write('PGSSLROOTCERT', 'ca.pem', tls.ca)
  write('PGSSLCERT', 'cert.pem', tls.cert)
  write('PGSSLKEY', 'key.pem', tls.key?.reveal())
  // Without a certificate to check against, libpq before 16 cannot use the system's.
  const mode = tls.ca === undefined || tls.verify === 'none' ? 'require' : `verify-${tls.verify}`
  return { env: { ...env, PGSSLMODE: mode }, files }
}
