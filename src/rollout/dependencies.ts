import { DatabaseError } from '../model/dialect.ts'
import type { Migration, Notice } from '../model/migration.ts'
import type { ObjectName, StatementNames } from '../model/named-objects.ts'
import type { SetPlan, Standing, TargetPlan } from '../model/plan.ts'
import type { Fleet, FleetSet } from './fleet.ts'
import { type Preview, previewStatements } from './preview-code.ts'

/** A migration that stays applied and names something that a migration to be undone makes. */
export interface Dependency {
  set: string
  /** The one that stays. */
  migration: string
  /** `column users.email`. */
  object: string
  /** The one that would be undone. */
  madeBy: string
  targets: readonly string[]
}

/** What the statements of a migration make and name, in order. */
type Names = readonly StatementNames[]

/** What is known of a migration; `why`: code that could not be looked at to its end. */
interface Known {
  names: Names
  why: string | null
}

/**
 * What would be taken away from under migrations that stay applied. Names are followed through the applied migrations in
 * the order of their application: what was dropped, renamed or made again meanwhile is told apart. Asks once for all
 * targets that stand alike. What code makes cannot always be told: the notices say so.
 */
export async function findDependencies(
  fleet: Fleet,
  sets: readonly FleetSet[],
  plans: readonly SetPlan[],
): Promise<{ dependencies: Dependency[]; notices: Notice[] }> {
  const dependencies = new Map<string, Dependency & { targets: string[] }>()
  const blind = new Map<string, string>()
  for (const plan of plans) {
    const set = sets.find(({ config }) => config.name === plan.set) as FleetSet
    const read = readNamesOnce(fleet, set)
    const known = new Map<Standing, Map<string, Promise<Omit<Dependency, 'targets'>[]>>>()
    for (const target of plan.targets) {
      if (target.error !== null || !leavesLater(target)) continue
      const verdicts = known.get(target.standing) ?? new Map<string, Promise<Omit<Dependency, 'targets'>[]>>()
      known.set(target.standing, verdicts)
      const { schema, server } = target.target.placement
      const steps = target.steps.map(({ migration }) => migration.id)
      const key = JSON.stringify([steps, schema === undefined, fleet.pool.dialect(server).name])
      const verdict = verdicts.get(key) ?? followNames(target, read, blind)
      verdicts.set(key, verdict)
      for (const found of await verdict) {
        const id = JSON.stringify(found)
        const one = dependencies.get(id) ?? { ...found, targets: [] }
        dependencies.set(id, one)
        one.targets.push(target.target.name)
      }
    }
  }
  const notices = [...blind].map(([migration, why]) => ({
    rule: 'undo-not-looked-at',
    migration,
    message: `${migration} is code that could not be looked at to its end (${why}), so it cannot be told what it makes and needs.`,
  }))
  return { dependencies: [...dependencies.values()], notices }
}

/** Does anything stay that was applied after the first of what is undone? */
function leavesLater({ standing, steps }: TargetPlan): boolean {
  const undone = new Set(steps.map(({ migration }) => migration))
  const first = standing.appliedOrder.findIndex((migration) => undone.has(migration))
  return first !== -1 && standing.appliedOrder.slice(first).some((migration) => !undone.has(migration))
}

type ReadNames = (plan: TargetPlan, migration: Migration) => Promise<Known>

/** Once per migration and kind of target. */
function readNamesOnce(fleet: Fleet, set: FleetSet): ReadNames {
  const known = new Map<string, Promise<Known>>()
  return (plan, migration) => {
    const { server, schema } = plan.target.placement
    const key = JSON.stringify([migration.id, fleet.pool.dialect(server).name, schema === undefined])
    const names = known.get(key) ?? readNames(fleet, set, plan, migration)
    known.set(key, names)
    return names
  }
}

async function readNames(fleet: Fleet, set: FleetSet, plan: TargetPlan, migration: Migration): Promise<Known> {
  const { server, database, schema } = plan.target.placement
  const dialect = fleet.pool.dialect(server)
  // Where a database is what others call a schema, its own name in front of another means nothing.
  const own = schema ?? (dialect.features.schemas ? null : database)
  const { statements, why } = await statementsOf(fleet, set, plan, migration)
  const names: StatementNames[] = []
  for (const statement of statements) names.push(await dialect.nameObjects(statement, own))
  return { names, why }
}

async function statementsOf(fleet: Fleet, set: FleetSet, plan: TargetPlan, migration: Migration): Promise<Preview> {
  if (migration.up.kind === 'sql') {
    const { segments } = await fleet.book(set, plan.target).up(migration)
    return { statements: segments.flatMap(({ statements }) => statements), why: null }
  }
  const { server, database } = plan.target.placement
  try {
    const lease = await fleet.pool.lease(server, database)
    try {
      return await previewStatements(fleet, set, plan, migration, lease.connection)
    } finally {
      await lease.release()
    }
  } catch (error) {
    // A server that is away says so again when the undo begins, where it belongs to one target.
    if (error instanceof DatabaseError) return { statements: [], why: error.failure.message }
    throw error
  }
}

/** Who made what is there now, by what it is called. */
type Owners = Map<string, Owner>

interface Owner {
  migration: Migration
  /** What it is, for people, and how it is called. */
  label: string
  name: string
}

async function followNames(
  plan: TargetPlan,
  read: ReadNames,
  blind: Map<string, string>,
): Promise<Omit<Dependency, 'targets'>[]> {
  const undone = new Set(plan.steps.map(({ migration }) => migration))
  const owners: Owners = new Map()
  const found = new Map<string, Omit<Dependency, 'targets'>>()
  let begun = false
  for (const migration of plan.standing.appliedOrder) {
    begun ||= undone.has(migration)
    const { names, why } = await read(plan, migration)
    if (why !== null && begun) blind.set(migration.id, why)
    const dropped: Owners = new Map()
    for (const statement of names) {
      for (const { migration: madeBy, label, name } of needed(owners, statement)) {
        if (!undone.has(madeBy) || undone.has(migration)) continue
        const one = { set: plan.set, migration: migration.id, object: `${label} ${name}`, madeBy: madeBy.id }
        found.set(JSON.stringify(one), one)
      }
      change(owners, dropped, statement, migration)
    }
  }
  return [...found.values()]
}

/** What of the things that are there a statement needs; of a table and its own columns, the table. */
function needed(owners: Owners, statement: StatementNames): Owner[] {
  const { names, drops, renames, makes, columns } = statement
  const keys = [...names, ...drops, ...makes, ...renames.map(({ from }) => from)].flatMap(keysOf)
  for (const { tables, name } of columns) {
    const having = tables.map((table) => keyOf({ kind: 'column', table, name })).filter((key) => owners.has(key))
    // Of several it cannot be told which is meant.
    if (having.length === 1) keys.push(having[0] as string)
  }
  const found = [...new Set(keys)].flatMap((key) => {
    const owner = owners.get(key)
    return owner === undefined ? [] : [{ key, owner }]
  })
  return found
    .filter(({ key, owner }) => {
      const [kind, table] = JSON.parse(key) as [string, string]
      return kind !== 'column' || owners.get(keyOf({ kind: 'relation', name: table }))?.migration !== owner.migration
    })
    .map(({ owner }) => owner)
}

/**
 * @param dropped what this migration has dropped so far: a table that takes the name of one of these is that one, built
 * anew, and what it had before is still the first one's
 */
function change(
  owners: Owners,
  dropped: Owners,
  { drops, renames, makes }: StatementNames,
  migration: Migration,
): void {
  for (const gone of drops) {
    const keys = gone.kind === 'relation' ? columnKeys(owners, gone.name) : []
    for (const key of [keyOf(gone), ...keys]) {
      const owner = owners.get(key)
      if (owner !== undefined) dropped.set(key, owner)
      owners.delete(key)
    }
  }
  for (const { from, to } of renames) {
    move(owners, keyOf(from), to, migration)
    if (from.kind !== 'relation') continue
    for (const key of columnKeys(owners, from.name))
      move(owners, key, { kind: 'column', table: to.name, name: JSON.parse(key)[2] as string }, migration)
    const restored = dropped.has(keyOf(to)) ? [keyOf(to), ...columnKeys(owners, to.name)] : []
    for (const key of restored) {
      const owner = dropped.get(key)
      if (owner !== undefined) owners.set(key, owner)
    }
  }
  for (const { label, ...made } of makes) {
    // What is made "if it is not there", or replaced, is still the first one's.
    if (!owners.has(keyOf(made))) owners.set(keyOf(made), { migration, label, name: writtenName(made) })
  }
}

function move(owners: Owners, key: string, to: ObjectName, by: Migration): void {
  const owner = owners.get(key)
  owners.delete(key)
  if (owner === undefined) return
  // Names that a migration gives only for as long as it works are nobody's.
  const moved = owner.migration === by ? { ...owner, name: writtenName(to) } : owner
  owners.set(keyOf(to), moved)
}

const writtenName = (name: ObjectName) => (name.kind === 'column' ? `${name.table}.${name.name}` : name.name)

function keyOf(name: ObjectName): string {
  return JSON.stringify(name.kind === 'column' ? ['column', name.table, name.name] : [name.kind, name.name])
}

/** A type may be that of a table's rows. */
function keysOf(name: ObjectName): string[] {
  return name.kind === 'type' ? [keyOf(name), keyOf({ kind: 'relation', name: name.name })] : [keyOf(name)]
}

function columnKeys(owners: Owners, table: string): string[] {
  return [...owners.keys()].filter((key) => {
    const [kind, own] = JSON.parse(key) as string[]
    return kind === 'column' && own === table
  })
}
