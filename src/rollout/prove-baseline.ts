import type { Connection } from '../model/dialect.ts'
import { TenantryError } from '../model/errors.ts'
import type { Migration } from '../model/migration.ts'
import type { TargetPlan } from '../model/plan.ts'
import type { ScriptStatement } from '../model/script.ts'
import type { Fleet, FleetSet } from './fleet.ts'
import { goneBy, makesSomething, namesIn, namesMade, unconditional } from './gone-names.ts'
import { previewStatements } from './preview-code.ts'

/** What the catalog could not tell about migrations that were marked. */
export interface Unproven {
  /** Statements whose effect cannot be seen, of how many. */
  unknown: number
  statements: number
  /** Migrations that are code and could not be looked at to their end: id and why. */
  unread: ReadonlyMap<string, string>
}

interface Step {
  migration: Migration
  statement: ScriptStatement
  kind: string
  text: string
}

/**
 * Does the target have what these migrations make? Each statement is looked up in the catalog. What a later migration
 * drops or renames may be missing. Throws BASELINE_UNPROVEN for the first thing that is missing without such a reason;
 * throws `DatabaseError`. The connection must not be in a transaction.
 */
export async function proveMarks(
  fleet: Fleet,
  set: FleetSet,
  plan: TargetPlan,
  marks: readonly Migration[],
  connection: Connection,
): Promise<Unproven> {
  const { schema = null } = plan.target.placement
  const there = new Set([...marks, ...plan.standing.applied])
  const { steps, unread } = await readSteps(fleet, set, plan, connection, there, new Set(marks))
  const { unknown, statements } = await probeSteps(fleet, plan, connection, steps, new Set(marks), (step, reason) => {
    throw unproven(plan, schema, step, reason, [...unread.keys()])
  })
  return { unknown, statements, unread }
}

/** Something that an applied migration makes, and the catalog does not have. */
export interface Unlanded {
  migration: string
  /** In the catalog's words: `index orders_client_idx is not there`. */
  reason: string
}

/**
 * What of the applied migrations is not there, and no later one takes away. Migrations that are code are not looked at:
 * their ids are in `unread`. Throws `DatabaseError`. The connection must not be in a transaction.
 */
export async function findUnlanded(
  fleet: Fleet,
  set: FleetSet,
  plan: TargetPlan,
  connection: Connection,
): Promise<{ unlanded: Unlanded[]; unread: string[] }> {
  const there = new Set(plan.standing.applied)
  // What was changed since it was applied says nothing of what was applied.
  const looked = new Set(plan.standing.applied.filter((one) => !plan.standing.changed.includes(one)))
  const { steps } = await readSteps(fleet, set, plan, connection, there, new Set())
  const unlanded: Unlanded[] = []
  await probeSteps(fleet, plan, connection, steps, looked, ({ migration }, reason, verdict) => {
    // What is there and not valid is not missing.
    if (verdict === 'absent') unlanded.push({ migration: migration.id, reason })
  })
  return { unlanded, unread: plan.standing.applied.flatMap(({ id, up }) => (up.kind === 'code' ? [id] : [])) }
}

/** Statements of migrations, in the order of the folder; of code only where it is in `code`. */
async function readSteps(
  fleet: Fleet,
  set: FleetSet,
  plan: TargetPlan,
  connection: Connection,
  migrations: ReadonlySet<Migration>,
  code: ReadonlySet<Migration>,
): Promise<{ steps: Step[]; unread: ReadonlyMap<string, string> }> {
  const { schema = null } = plan.target.placement
  const unread = new Map<string, string>()
  const steps: Step[] = []
  for (const migration of set.migrations.filter((one) => migrations.has(one))) {
    // What is applied and code tells nothing by its text, and only marks are worth running it for.
    if (!code.has(migration) && migration.up.kind === 'code') continue
    const preview = await previewStatements(fleet, set, plan, migration, connection)
    if (preview.why !== null) unread.set(migration.id, preview.why)
    for (const statement of preview.statements)
      steps.push({ migration, statement, kind: statement.kind, text: statement.text(schema) })
  }
  return { steps, unread }
}

/** Looks up each statement of `looked`; `absent` is told what is missing and not explained by a later statement. */
async function probeSteps(
  fleet: Fleet,
  plan: TargetPlan,
  connection: Connection,
  steps: readonly Step[],
  looked: ReadonlySet<Migration>,
  absent: (step: Step, reason: string, verdict: 'absent' | 'rebuild') => void,
): Promise<{ unknown: number; statements: number }> {
  const { server, schema = null } = plan.target.placement
  const dialect = fleet.pool.dialect(server)
  let unknown = 0
  let statements = 0
  for (const [index, step] of steps.entries()) {
    if (!looked.has(step.migration) || !changes(step)) continue
    statements++
    if (!isLookedUp(step)) {
      unknown++
      continue
    }
    const { verdict, reason } = await dialect.probe(connection, unconditional(step.statement), schema)
    if (verdict === 'landed' || verdict === 'repeat') continue
    if (verdict === 'unknown' || isExplained(step, steps.slice(index + 1))) unknown++
    else absent(step, reason, verdict)
  }
  return { unknown, statements }
}

/** The first things of a migration that are there already, in words; empty: none, or it cannot be told. */
export async function findLanded(
  fleet: Fleet,
  set: FleetSet,
  plan: TargetPlan,
  migration: Migration,
  connection: Connection,
  most: number,
): Promise<string[]> {
  const preview = await previewStatements(fleet, set, plan, migration, connection)
  const { server, schema = null } = plan.target.placement
  const made = preview.statements
    .filter((one) => makesSomething({ kind: one.kind, text: one.text(schema) }))
    .slice(0, most)
  const landed: string[] = []
  for (const statement of made) {
    const found = await fleet.pool.dialect(server).probe(connection, unconditional(statement), schema)
    if (found.verdict === 'landed') landed.push(found.reason)
  }
  return landed
}

function changes({ kind }: Step): boolean {
  return !/^(SET|RESET|SHOW|SELECT|BEGIN|START|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|COMMENT|GRANT|REVOKE|ANALYZE|VACUUM|USE|LOCK|PRAGMA)\b/i.test(
    kind,
  )
}

function isLookedUp(step: Step): boolean {
  return makesSomething(step) || /^(ALTER|DROP|RENAME)\b/i.test(step.kind)
}

/**
 * Something that is made may be gone again by a later statement. For anything else (a drop whose object is still
 * there, a column that still has its old type), any later statement about the same names is reason enough.
 */
function isExplained(step: Step, later: readonly Step[]): boolean {
  const own = makesSomething(step) ? namesMade(step) : namesIn(step.text)
  const taken = makesSomething(step) ? goneBy : ({ text }: Step) => namesIn(text)
  return later.some((other) => [...taken(other)].some((name) => own.has(name)))
}

function unproven(
  plan: TargetPlan,
  schema: string | null,
  step: Step,
  reason: string,
  unread: readonly string[],
): TenantryError {
  const { migration, statement } = step
  const { line, column } = statement.locate(schema)
  const isCode = migration.up.kind === 'code'
  const where = isCode ? `statement ${statement.index}` : `statement ${statement.index}, line ${line}`
  const { target } = plan
  const name = target.tenants.length === 1 ? (target.tenants[0]?.slug ?? target.name) : target.name
  const [blind] = unread
  const doubt = blind === undefined ? '' : ` ${blind} could not be looked at to its end and may have taken it away.`
  return new TenantryError(
    'BASELINE_UNPROVEN',
    `${target.name} does not have what migration ${migration.id} makes: ${reason} (${statement.kind}, ${where}). Nothing was marked there.`,
    {
      hint: `\`tenantry up ${name}\` applies what is missing; mark fewer migrations with --to; or, if you know better, \`--force\` marks all the same.${doubt}`,
      context: {
        target: target.name,
        set: plan.set,
        migration: migration.id,
        file: migration.up.file,
        statement: statement.index,
        object: reason,
        ...(isCode ? {} : { line, column }),
      },
    },
  )
}
