import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

/** `openTenantry` of that build. */
let open
/** Folder of the project folders. */
let projects
let made = 0
const credentials = /\/\/[^@/]*@/

/** In-process through the facade, with a config and a project folder of its own per run. */
export const tenantry = {
  name: 'tenantry',
  historyTable: 'schema_migrations',
  /** The build that is measured. Set before `prepare`. */
  dist: '',

  /** The command line's entry, for what is measured as a process. */
  cliFile: () => path.join(tenantry.dist, 'cli', 'main.js'),
  writeProject,

  async prepare({ sources, dir }) {
    const entry = path.join(tenantry.dist, 'index.js')
    if (!existsSync(entry)) throw new Error(`${entry} is missing. Run: npm run build`)
    open = (await import(pathToFileURL(entry).href)).openTenantry
    projects ??= path.join(dir, 'projects')
    const migrations = path.join(dir, 'migrations')
    await mkdir(migrations)
    for (const { id, sql } of sources) await writeFile(path.join(migrations, `${id}.sql`), sql)
    return migrations
  },

  async migrateSchemas({ url, schemas, concurrency, migrations, transaction, format }) {
    const cwd = await writeProject({ url, concurrency, migrations, transaction, format })
    const report = await runUp(cwd)
    requireResults(report, schemas.length)
  },

  async migrateDatabases({ urls, concurrency, migrations, format }) {
    const cwd = await writeDatabasesProject({ urls, concurrency, migrations, format })
    requireResults(await runUp(cwd), urls.length)
  },

  /** @param {{ files: readonly string[] }} job SQLite files, all in one folder */
  async migrateFiles({ files, concurrency, migrations, format }) {
    const directory = path.dirname(files[0])
    const cwd = await writeConfig({
      servers: {
        main: { url: `sqlite:${directory}`, maxConcurrency: concurrency, maxConcurrencyPerDatabase: 1 },
      },
      migrations: { dir: migrations, format },
      tenants: files.map((file) => {
        const slug = path.basename(file, '.db')
        return { slug, topology: 'database', server: 'main', database: slug }
      }),
      concurrency,
    })
    requireResults(await runUp(cwd), files.length)
  },

  /** `check` over every schema; throws unless all are up-to-date. */
  async checkSchemas({ cwd, count }) {
    const fleet = await open({ cwd })
    try {
      const report = await fleet.check()
      if (!report.ok) throw new Error(`check is not ok: ${JSON.stringify(report.error ?? report.summary)}`)
      requireResults(report, count)
    } finally {
      await fleet.close()
    }
  },

  /** `drift` over every schema; throws unless all are what the migrations make. */
  async driftSchemas({ cwd, count }) {
    const fleet = await open({ cwd })
    try {
      const { ok, clusters, failures } = await fleet.drift()
      if (ok && clusters.length === 1 && clusters[0].targets === count) return
      throw new Error(
        `drift is not ok: ${JSON.stringify([failures[0], clusters[0]?.targets, clusters[1]?.differences])}`,
      )
    } finally {
      await fleet.close()
    }
  },

  /** All migrations to the one schema that is there. */
  async applyAll({ url, migrations }) {
    requireResults(await runUp(await writeProject({ url, concurrency: 4, migrations })), 1)
  },

  /** Proves every migration, with nothing known from before; throws unless all are reversible. */
  async proveAll({ url, migrations, count }) {
    const fleet = await open({ cwd: await writeProject({ url, concurrency: 4, migrations, scratch: true }) })
    try {
      const report = await fleet.prove()
      const good = report.migrations.filter(({ verdict, cached }) => verdict === 'reversible' && !cached)
      if (good.length !== count) throw new Error(`prove: ${good.length} of ${count} are reversible`)
    } finally {
      await fleet.close()
    }
  },
}

/** A project folder for every schema `t_…` of a database. @returns {Promise<string>} */
async function writeProject({
  url,
  concurrency,
  migrations,
  transaction = 'migration',
  format = 'sql',
  scratch = false,
}) {
  const database = new URL(url).pathname.slice(1)
  return writeConfig({
    servers: { main: { url, maxConcurrency: concurrency, maxConcurrencyPerDatabase: concurrency } },
    migrations: { dir: migrations, format, transaction },
    tenants: { from: 'schemas', server: 'main', database, match: '^t_[0-9]+$' },
    ...(scratch ? { scratch: { server: 'main' } } : {}),
    concurrency,
  })
}

function writeDatabasesProject({ urls, concurrency, migrations, format = 'sql' }) {
  const tenants = urls.map((url) => {
    const database = new URL(url).pathname.slice(1)
    return { slug: database, topology: 'database', server: 'main', database }
  })
  return writeConfig({
    servers: { main: { url: urls[0], maxConcurrency: concurrency, maxConcurrencyPerDatabase: concurrency } },
    migrations: { dir: migrations, format },
    tenants,
    concurrency,
  })
}

async function writeConfig(config) {
  const cwd = path.join(projects, String(++made))
  await mkdir(cwd, { recursive: true })
  await writeFile(path.join(cwd, 'tenantry.config.json'), JSON.stringify(config), { mode: 0o600 })
  return cwd
}

async function runUp(cwd) {
  const fleet = await open({ cwd })
  try {
    return await fleet.up()
  } finally {
    await fleet.close()
  }
}

function requireResults(report, count) {
  if (report.ok && report.summary.targets === count) return
  const first = report.error ?? report.targets.find((target) => target.error !== null)?.error
  const reason = first ? `${first.code} ${first.message}`.replace(credentials, '//') : 'no error given'
  throw new Error(
    `tenantry ${report.command}: ${report.summary.targets} targets of ${count}, ok: ${report.ok}; ${reason}`,
  )
}
