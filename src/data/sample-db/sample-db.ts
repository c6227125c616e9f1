import { resolve as resolvePath } from 'node:path'
import { DatabaseError } from '../../model/dialect.ts'
import { isTenantryError, TenantryError } from '../../model/errors.ts'
import type { DumpSource, DumpTool } from '../../model/removal.ts'
import type { SampleDbOptions, SampleDbReport } from '../../model/sample-db.ts'
import type { Target } from '../../model/tenant.ts'
import { engineSettings } from '../../rollout/carry-out.ts'
import type { Fleet } from '../../rollout/fleet.ts'
import { chooseTarget, findBooks } from './choose-target.ts'
import { failedSample, mustBeNamed, unconfirmed, wrongDatabase } from './describe-sample.ts'
import { emptyTarget } from './empty-target.ts'
import { lookAtTables } from './look.ts'
import { inSampleTransaction, type SampleWork } from './sample-work.ts'

/** A lock is waited for so long where the config says for ever: whoever waits holds up those behind. */
const longestLockWaitMs = 2000

interface Task {
  fleet: Fleet
  work: SampleWork
  options: SampleDbOptions
  report: SampleDbReport
  /** What says that this is production. */
  marks: readonly string[]
  /** Schema that the target's lock is named by. */
  schema: string
  dump: { tool: DumpTool; file: string } | null
}

/**
 * Makes one database a clean sample: what `sampleDb.keep` lists stays, every other row goes, in one transaction. What is
 * wrong with the target is in the report's `error`; then nothing was changed, but for a dump that could not be written
 * afterwards. Throws CONFIG_INVALID, USAGE, TENANT_UNKNOWN, SHARED_TARGET, SAMPLE_REFUSED, SERVER_UNREACHABLE.
 */
export async function makeSample(
  fleet: Fleet,
  options: SampleDbOptions,
  { cwd, dump }: { cwd: string; dump: DumpTool },
): Promise<SampleDbReport> {
  const { sampleDb: rules } = fleet.config
  if (rules.keep === null) {
    throw new TenantryError(
      'CONFIG_INVALID',
      'The config does not say what stays in a sample: `sampleDb.keep` is missing.',
      {
        hint: `List the tables that stay: \`sampleDb: { keep: ['roles', { table: 'users', where: "role = 'SuperAdmin'", limit: 1 }] }\`.`,
      },
    )
  }
  const target = await chooseTarget(fleet, options.tenant)
  const { server, database } = target.placement
  const report: SampleDbReport = {
    command: 'sample-db',
    ok: true,
    dryRun: options.dryRun === true,
    ...{ target: target.name, database, plan: [], brokenKeys: [], removed: null, sequences: [], dump: null },
    ...{ notices: [], error: null },
  }
  const marks = findMarks(fleet, target)
  const isNamed = options.database !== undefined
  if (!report.dryRun && !isNamed && marks.length > 0) return fail(report, mustBeNamed(target, marks, database))
  const dialect = fleet.pool.dialect(server)
  const { emptying } = dialect
  if (emptying === undefined) throw new TenantryError('INTERNAL', `No samples are made on ${dialect.name} servers.`)
  const own = engineSettings(fleet)
  const settings = { ...own, lockTimeoutMs: own.lockTimeoutMs === 0 ? longestLockWaitMs : own.lockTimeoutMs }
  const books = await findBooks(fleet, target)
  let connection: SampleWork['connection'] | null = null
  try {
    connection = await fleet.pool.another(server, database)
    const place = await emptying.whereAmI(connection)
    if (isNamed && options.database !== place.database)
      return fail(
        { ...report, database: place.database },
        wrongDatabase(target, options.database ?? '', place.database),
      )
    const work: SampleWork = { target, dialect, emptying, connection, settings, rules, books, database: place.database }
    const file = options.dump === undefined ? null : { tool: dump, file: resolvePath(cwd, options.dump) }
    const { schema } = place
    return await run({
      fleet,
      work,
      options,
      marks,
      schema,
      dump: file,
      report: { ...report, database: place.database },
    })
  } catch (error) {
    if (error instanceof DatabaseError) return fail(report, failedSample(target, error.failure, [], 'looked at'))
    throw error
  } finally {
    // What is temporary goes with it.
    await connection?.close()
  }
}

function fail(report: SampleDbReport, error: SampleDbReport['error']): SampleDbReport {
  return { ...report, ok: false, error }
}

function findMarks({ config }: Fleet, { tenants }: Target): string[] {
  const { production, productionLabels } = config.sampleDb
  const labels = Object.entries(productionLabels).flatMap(([key, values]) =>
    tenants.flatMap(({ slug, labels: own }) =>
      values.some((value) => value.toLowerCase() === own[key]?.toLowerCase())
        ? [`tenant ${slug} carries the label ${key}=${own[key]}`]
        : [],
    ),
  )
  return [...(production === null ? [] : [`the environment is "${production}"`]), ...labels]
}

async function run(task: Task): Promise<SampleDbReport> {
  const { work, options } = task
  const isNamed = options.database !== undefined
  // All that is left to be asked is asked under the locks, too.
  const isDecided = isNamed && options.confirm === true && !task.report.dryRun
  const seen = isDecided ? task.report : await lookFirst(task, isNamed)
  if (seen.error !== null || seen.dryRun) return seen
  const refused = await checkDumpFile(task)
  if (refused !== null) return fail(seen, refused)
  const going = seen.plan.reduce((sum, { rows, kept }) => sum + rows - kept, 0)
  if (options.confirm !== true && (await options.ask?.(seen)) !== true)
    return fail(seen, unconfirmed(work.target, going))
  return carryOut(task, seen)
}

/** The plan, and what is in the way, without holding anybody up. */
async function lookFirst(task: Task, isNamed: boolean): Promise<SampleDbReport> {
  const { work, marks } = task
  const { target, rules, database } = work
  const seen = await inSampleTransaction(work, 'look', () =>
    // Whoever has not named a large database waits for no more than telling that it is one.
    lookAtTables(work, isNamed ? null : rules.maxRows, 'look'),
  )
  const report: SampleDbReport = { ...task.report, plan: seen.plan, brokenKeys: seen.brokenKeys }
  if (seen.error !== null) return fail(report, seen.error)
  const isLarge = seen.rows > rules.maxRows
  const large = `it holds more than ${rules.maxRows.toLocaleString('en-US')} rows (\`sampleDb.maxRows\`)`
  const reasons = [...marks, ...(isLarge ? [large] : [])]
  if (isNamed || reasons.length === 0) return report
  if (!report.dryRun) return fail(report, mustBeNamed(target, reasons, database))
  const message = `Without \`--database ${database}\` it would be refused: ${reasons.join('; ')}.`
  return { ...report, notices: [{ rule: 'must-be-named', message }] }
}

/** @param report with the plan, as far as it is known */
async function carryOut(task: Task, report: SampleDbReport): Promise<SampleDbReport> {
  const { fleet, work, options } = task
  let isTold = false
  const done = await emptyTarget(fleet, work, {
    schema: work.target.placement.schema ?? task.schema,
    onLook({ plan }) {
      if (!isTold) options.onPlan?.({ ...report, plan })
      isTold = true
    },
  })
  // A failure before the tables were looked at again knows less than we do.
  const after = { ...report, ...done, plan: done.plan.length === 0 ? report.plan : done.plan }
  return done.error !== null ? fail(after, done.error) : writeDump(task, after)
}

async function sourceOf({ fleet, work }: Task, consequence: string): Promise<DumpSource> {
  const { dialect, target, connection } = work
  const { server, database } = target.placement
  return {
    ...{ dialect, placement: target.placement, serverVersion: connection.version, consequence },
    server: await fleet.pool.address(server, database),
    connect: () => fleet.pool.another(server, database),
  }
}

async function checkDumpFile(task: Task): Promise<SampleDbReport['error']> {
  if (task.dump === null) return null
  return failureOf(task.dump.tool.check(await sourceOf(task, 'so nothing was removed'), task.dump.file))
}

async function writeDump(task: Task, report: SampleDbReport): Promise<SampleDbReport> {
  if (task.dump === null) return report
  const { tool, file } = task.dump
  let written: SampleDbReport['dump'] = null
  const writing = sourceOf(task, 'though the rows were removed').then(async (source) => {
    written = await tool.write(source, file)
  })
  const error = await failureOf(writing)
  return error === null ? { ...report, dump: written } : fail(report, error)
}

async function failureOf(doing: Promise<unknown>): Promise<SampleDbReport['error']> {
  try {
    await doing
    return null
  } catch (error) {
    if (isTenantryError(error)) return error.toJSON()
    throw error
  }
}
