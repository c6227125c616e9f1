import { readdir, writeFile } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { TenantryError } from '../model/errors.ts'
import { detectProject, type FoundFormat, type FoundMigrations, type ProjectFindings } from './detect.ts'
import { configExtensions } from './import-file.ts'

export interface InitReport {
  /** Absolute path of the file that was written. */
  file: string
  findings: ProjectFindings
  /** What was found and what to do next, a line each, for people. */
  lines: readonly string[]
}

const toolNames: Readonly<Record<FoundFormat, string>> = {
  sql: 'plain SQL',
  prisma: 'Prisma',
  knex: 'Knex',
  sequelize: 'Sequelize',
  kysely: 'Kysely',
  typeorm: 'TypeORM',
  drizzle: 'Drizzle',
  goose: 'goose',
  dbmate: 'dbmate',
  'sql-migrate': 'sql-migrate',
  flyway: 'Flyway',
  'golang-migrate': 'golang-migrate',
  'node-pg-migrate': 'node-pg-migrate',
  code: 'code',
}

/**
 * Looks at the project in `dir` and writes a commented `tenantry.config.ts` there. Never overwrites: throws USAGE if
 * the folder has a config of any kind.
 */
export async function writeInit(dir: string): Promise<InitReport> {
  const present = (await readdir(dir)).filter((name) =>
    configExtensions.some((extension) => name === `tenantry.config${extension}`),
  )
  if (present[0] !== undefined) throw makePresentError(join(dir, present[0]))
  const findings = await detectProject(dir)
  const file = join(dir, 'tenantry.config.ts')
  try {
    await writeFile(file, renderConfig(findings), { flag: 'wx' })
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') throw makePresentError(file)
    throw error
  }
  return { file, findings, lines: describeFindings(findings) }
}

function makePresentError(file: string): TenantryError {
  return new TenantryError('USAGE', `${file} exists; it was left as it is.`, {
    hint: 'Edit it, or remove it and run `tenantry init` again.',
    context: { file },
  })
}

function describeFindings(findings: ProjectFindings): string[] {
  const { migrations, toolFiles, variables } = findings
  const choice = chooseMigrations(findings)
  const taken = choice?.toolFile
  const others = toolFiles.filter((name) => name !== taken)
  const lines = migrations.map(({ dir, format, supported }) =>
    supported
      ? `Found ${toolNames[format]} migrations in ${dir}.`
      : `Found ${toolNames[format]} migrations in ${dir}: this version of tenantry cannot run that format yet, so they are not in the config.`,
  )
  if (taken !== undefined)
    lines.push(
      `Found ${taken}: its ${choice?.found.format === 'typeorm' ? 'table, entities' : 'folders, table'} and further settings are used.`,
    )
  if (others.length > 0)
    lines.push(`Found ${others.join(', ')}; nothing was taken from ${others.length === 1 ? 'it' : 'them'} but folders.`)
  if (variables.length > 0)
    lines.push(
      `Found the variables ${variables.join(', ')} in .env files. tenantry does not read such files: set them in the shell.`,
    )
  if (migrations.length === 0) lines.push('Found no migrations; the config expects them in ./migrations.')
  return [
    ...lines,
    'Next: say in tenantry.config.ts where your tenants are, then run `tenantry adopt`: it shows what it finds there and changes nothing.',
  ]
}

/** The text of a config that fits a project. It is valid as it is; what else could be said stands in comments. */
export function renderConfig(findings: ProjectFindings): string {
  const connection = renderConnection(findings)
  return `import { defineConfig } from 'tenantry'

// Variables come from the process; .env files are not read. One way to set them from such a file:
//   node --env-file=.env node_modules/.bin/tenantry status
${connection.before}
export default defineConfig({
  // The dialect comes from the URL. Remote hosts are reached over verified TLS; for a server with its own certificate
  // authority add \`tls: { ca: './ca.pem' }\`, and for one without TLS in a network you trust \`?sslmode=disable\`.
  servers: {
    main: { ${connection.entry} },
  },

${renderMigrations(findings)}

  // Where your tenants are. To begin with: one database, as one tenant.
  tenants: [{ slug: 'app', topology: 'dedicated', ${connection.entry} }],
  // Every schema whose name matches:
  // tenants: { from: 'schemas', server: 'main', like: 't\\\\_%' },
  // A table of your own that lists them:
  // tenants: { from: 'query', server: 'main', sql: 'select slug, db_name as database from tenants where active' },
  // A list:
  // tenants: [
  //   { slug: 'acme', topology: 'schema', server: 'main', database: 'app', schema: 't_acme' },
  //   { slug: 'globex', topology: 'database', server: 'main', database: 'globex' },
  // ],

  // Begin with a few targets; a failure among them keeps the rest from starting.
  // rollout: { waves: [{ name: 'canary', count: 2 }, { name: 'rest' }], maxFailures: 0 },

  // What differs per environment: \`tenantry up --env production\`.
  // environments: { production: { concurrency: 32 } },
})
`
}

interface ChosenMigrations {
  found: FoundMigrations
  /** A config of the tool itself that says where its files are. */
  toolFile: string | undefined
}

const toolFileOf: Partial<Record<FoundFormat, RegExp>> = {
  knex: /(^|\/)knexfile\.\w+$/,
  sequelize: /(^|\/)\.sequelizerc$/,
  typeorm: /(^|\/)(data-source|ormconfig)\.\w+$/,
  kysely: /(^|\/)kysely\.config\.\w+$/,
}

function chooseMigrations({ migrations, toolFiles }: ProjectFindings): ChosenMigrations | null {
  const found = migrations.find(({ supported }) => supported)
  if (found === undefined) return null
  const pattern = toolFileOf[found.format]
  // The nearest one.
  const [toolFile] = toolFiles
    .filter((name) => pattern?.test(name) && isInside(found.dir, posix.dirname(name)))
    .sort((a, b) => b.length - a.length)
  return { found, toolFile }
}

function isInside(dir: string, folder: string): boolean {
  return folder === '.' || dir.startsWith(`${folder}/`)
}

function renderMigrations(findings: ProjectFindings): string {
  const { migrations } = findings
  const choice = chooseMigrations(findings)
  const chosen = choice?.found
  const others = migrations.filter(
    (found) =>
      found.supported && found !== chosen && !(choice?.toolFile !== undefined && found.format === chosen?.format),
  )
  const lines: string[] = []
  for (const { dir, format } of migrations.filter((found) => !found.supported)) {
    lines.push(
      `// ${quoteDir(dir)} holds ${toolNames[format]} migrations. This version of tenantry cannot run that format yet: leave them to their own tool.`,
    )
  }
  for (const { dir, format } of others)
    lines.push(
      `// Also found: ${toolNames[format]} migrations in ${quoteDir(dir)}. Several sets are given as a list, each with a name.`,
    )
  if (chosen === undefined) {
    // A folder of another tool must not become the default by its usual name.
    const isTaken = migrations.some(({ dir }) => dir === 'migrations')
    lines.push(
      '// SQL files such as 001_init.sql, with their undo in rollbacks/001_init.sql; `tenantry make <name>` writes one.',
    )
    lines.push(`migrations: { dir: ${isTaken ? "'./sql-migrations'" : "'./migrations'"} },`)
  } else if (choice?.toolFile === undefined) {
    lines.push(`migrations: { dir: ${quoteDir(chosen.dir)}, format: '${chosen.format}' },`)
  } else if (chosen.format === 'typeorm') {
    // What its patterns match may be what a compiler makes of these files.
    lines.push(
      `migrations: { dir: ${quoteDir(chosen.dir)}, format: 'typeorm', dataSource: ${quoteDir(choice.toolFile)} },`,
    )
  } else if (chosen.format === 'kysely') {
    // A provider or a migrator of its own would not tell the folder.
    lines.push(
      `migrations: { dir: ${quoteDir(chosen.dir)}, format: 'kysely', kyselyConfig: ${quoteDir(choice.toolFile)} },`,
    )
  } else {
    const key = chosen.format === 'knex' ? 'knexfile' : 'sequelizerc'
    lines.push(`// Folders, table and further settings come from this file; \`dir\` overrules its folders.`)
    lines.push(`migrations: { format: '${chosen.format}', ${key}: ${quoteDir(choice.toolFile)} },`)
  }
  return lines.map((line) => `  ${line}`).join('\n')
}

/** As a string of the config; JSON's quotes also keep a strange name from ending a comment or a string. */
function quoteDir(dir: string): string {
  return /^[\w./-]+$/.test(dir) ? `'./${dir}'` : JSON.stringify(`./${dir}`)
}

/** `entry` is the property `url` of a server or tenant; `before` what it needs above. */
function renderConnection(findings: ProjectFindings): { before: string; entry: string } {
  const { variables } = findings
  const url = ['DATABASE_URL', 'POSTGRES_URL', 'DB_URL'].find((name) => variables.includes(name))
  if (url !== undefined) return { before: '', entry: `url: process.env.${url}` }
  if (!variables.includes('DB_HOST') && !variables.includes('DB_NAME'))
    return { before: '', entry: 'url: process.env.DATABASE_URL' }
  const password = variables.includes('DB_PASSWORD') && !variables.includes('DB_PASS') ? 'DB_PASSWORD' : 'DB_PASS'
  const [scheme, port] = usesMysql(findings) ? ['mysql', '3306'] : ['postgres', '5432']
  const before = `
const { DB_HOST = 'localhost', DB_PORT = '${port}', DB_NAME = '', DB_USER = '', ${password} = '' } = process.env
const login = \`\${encodeURIComponent(DB_USER)}:\${encodeURIComponent(${password})}\`
const url = \`${scheme}://\${login}@\${DB_HOST}:\${DB_PORT}/\${encodeURIComponent(DB_NAME)}\`
`
  return { before, entry: 'url' }
}

function usesMysql({ packages }: ProjectFindings): boolean {
  return packages.includes('mysql2') && !packages.includes('pg') && !packages.includes('postgres')
}
