import { parseArgs } from 'node:util'

/** Every work there is, in the order in which they run. */
export const workNames = [
  'version',
  'apply',
  'target',
  'delayed',
  'nothing',
  'databases',
  'large',
  'knex-code',
  'sequelize-code',
  'native-loops',
  'sqlite-files',
  'mariadb',
  'fingerprint',
  'drift',
  'prove',
  'rotate',
  'lint',
  'backfill',
  'sample-db',
  'registry-status',
  'provision-schema',
  'provision-database',
]

export const usage = `npm run bench -- [options]
  --only <name>      one work: ${workNames.join(', ')} (repeatable)
  --quick            small fleets and two pairs: a rough guide in a few minutes
  --pairs <n>        interleaved pairs per comparison (default 5; 2 with --quick)
  --concurrency <n>  connections of every tool (default 4)
  --schemas <n>      schemas in apply, target and delayed (default 300, delayed 100; 40 with --quick)
  --json <file>      where the figures go (default bench/results/<time>.json)
  --write-docs       write docs/benchmarks.md
  --note <text>      a remark that goes into the figures and the page
  --dist <dir>       another build of tenantry (default dist)`

/**
 * What was asked for on the command line.
 * @param {string[]} argv
 * @throws for an unknown option or work
 */
export function readArguments(argv) {
  const { values } = parseArgs({
    args: argv,
    options: {
      only: { type: 'string', multiple: true, default: [] },
      quick: { type: 'boolean', default: false },
      pairs: { type: 'string' },
      concurrency: { type: 'string', default: '4' },
      schemas: { type: 'string' },
      json: { type: 'string' },
      'write-docs': { type: 'boolean', default: false },
      note: { type: 'string' },
      dist: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  const unknown = values.only.find((name) => !workNames.includes(name))
  if (unknown !== undefined) throw new Error(`No work is called "${unknown}". There are: ${workNames.join(', ')}`)
  // A page with holes, or about something that is not in the repository, would be taken for the real one.
  if (values['write-docs'] && (values.only.length > 0 || values.dist !== undefined)) {
    throw new Error('--write-docs is for a whole run of this repository: leave out --only and --dist')
  }
  const { quick } = values
  const sizes = quick
    ? { schemas: 40, delayedSchemas: 40, idleSchemas: 200, databases: 12, fleets: [100, 1000], starts: 8 }
    : { schemas: 300, delayedSchemas: 100, idleSchemas: 1000, databases: 100, fleets: [100, 10_000], starts: 21 }
  Object.assign(
    sizes,
    quick
      ? {
          codeSchemas: 24,
          codeDatabases: 8,
          codeIdle: 100,
          mariadbDatabases: 8,
          fingerprints: 200,
          driftSchemas: 200,
          backfillRows: 200_000,
          registryTenants: 20_000,
        }
      : {
          codeSchemas: 200,
          codeDatabases: 100,
          codeIdle: 500,
          mariadbDatabases: 50,
          fingerprints: 2000,
          driftSchemas: 2000,
          backfillRows: 1_000_000,
          registryTenants: 100_000,
        },
  )
  sizes.sampleRows = quick ? 100_000 : 1_000_000
  sizes.sqliteFiles = quick ? 100 : 1000
  sizes.provisions = quick ? 4 : 10
  sizes.credentials = quick ? 10_000 : 100_000
  if (values.schemas !== undefined) {
    sizes.schemas = readCount('schemas', values.schemas)
    sizes.delayedSchemas = sizes.schemas
  }
  return {
    help: values.help,
    works: workNames.filter((name) => values.only.length === 0 || values.only.includes(name)),
    quick,
    pairs: readCount('pairs', values.pairs ?? (quick ? '2' : '5')),
    concurrency: readCount('concurrency', values.concurrency),
    json: values.json ?? null,
    writeDocs: values['write-docs'],
    note: values.note ?? null,
    dist: values.dist ?? null,
    sizes,
    delayMs: 5,
  }
}

function readCount(name, text) {
  const count = Number(text)
  if (!Number.isInteger(count) || count < 1) throw new Error(`--${name} takes a whole number from 1, not "${text}"`)
  return count
}
