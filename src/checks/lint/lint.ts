import { TenantryError } from '../../model/errors.ts'
import type { LintFinding, LintOptions, LintReport, LintRuleDescription } from '../../model/lint.ts'
import type { Migration, MigrationPhase, Notice } from '../../model/migration.ts'
import { chooseSets, type Fleet, type LoadedSet, resolveInSets } from '../../rollout/fleet.ts'
import { type ChangedMigration, judgeChanged } from './changed.ts'
import { assumed } from './estimate.ts'
import { judgeFile, type LintState } from './judge.ts'
import { emptySchema } from './known-schema.ts'
import { maskFinding } from './mask-finding.ts'
import { dialectsOf, type NotAnalysed, readSet, readTenants, type SetTenants } from './read-set.ts'
import type { LintedFile, LintSettings } from './rule.ts'
import { findRule } from './rule-table.ts'
import { runSquawk } from './squawk.ts'

/** What reading the fleet's servers has told, where that was done; nothing of it is needed. */
export interface LintKnowledge {
  /** Tenants of a set, by its name. */
  tenants?: ReadonlyMap<string, SetTenants>
  /** Migrations that were edited after they had been applied. */
  changed?: readonly ChangedMigration[]
  /** Migrations that every target has applied, by set: they are left out. */
  applied?: ReadonlyMap<string, ReadonlySet<string>>
  /** Steps of changes that are no migrations. */
  phases?: readonly MigrationPhase[]
}

interface Chosen {
  isChosen(migration: Migration): boolean
  /** Edits of what is applied are told of these, whether they are looked at or not. */
  changed: readonly LintFinding[]
  /** Steps that other sets, and data changes, have. */
  phases: readonly MigrationPhase[]
}

interface Gathered {
  findings: LintFinding[]
  ignored: (LintFinding & { reason: string })[]
  notAnalysed: NotAnalysed[]
  notices: Notice[]
  files: Set<string>
  statements: number
}

/**
 * Looks at the files of every set. Asks no server. Throws TENANT_UNKNOWN for a set and MIGRATION_UNKNOWN for a migration
 * that is not there.
 */
export async function lintFleet(
  fleet: Fleet,
  options: LintOptions = {},
  knowledge: LintKnowledge = {},
): Promise<LintReport> {
  const startedAt = performance.now()
  const loaded = await fleet.loadSets()
  const sets = chooseSets(loaded, options.sets ?? [])
  const isWanted = chooseMigrations(sets, options, fleet.config.lint.after)
  const applied = findApplied(sets, options, knowledge)
  const isChosen = (migration: Migration) => isWanted(migration) && !applied.has(migration)
  const isNamed = (options.migrations?.length ?? 0) > 0 ? isWanted : () => true
  const all: Gathered = {
    findings: [],
    ignored: [],
    notAnalysed: [],
    notices: sets.flatMap(({ notices }) => notices),
    files: new Set(),
    statements: 0,
  }
  let migrations = 0
  let leftOut = 0
  for (const set of sets) {
    migrations += set.migrations.filter(isChosen).length
    leftOut += set.migrations.filter((migration) => isWanted(migration) && applied.has(migration)).length
    const { name } = set.config
    const named = [{ name, migrations: set.migrations.filter(isNamed) }]
    const others = loaded.filter((one) => one.config.name !== name).flatMap((one) => one.migrations)
    const phases = [...others.flatMap(({ phase }) => phase ?? []), ...(knowledge.phases ?? [])]
    const changed = judgeChanged(knowledge.changed ?? [], named)
    await lintSet(fleet, set, options, knowledge, { isChosen, changed, phases }, all)
  }
  const linted = report(fleet, all, migrations, options, startedAt)
  return { ...linted, fleet: knowledge.applied === undefined ? null : { targets: 0, failures: [], leftOut, assumed } }
}

/** What every target has needs no second look, unless it is asked for. */
function findApplied(
  sets: readonly LoadedSet[],
  { migrations = [], all = false }: LintOptions,
  { applied }: LintKnowledge,
): ReadonlySet<Migration> {
  if (migrations.length > 0 || all) return new Set()
  return new Set(
    sets.flatMap((set) => set.migrations.filter(({ id }) => applied?.get(set.config.name)?.has(id) === true)),
  )
}

/** All, or those that are named, or those that come after one. */
function chooseMigrations(
  sets: readonly LoadedSet[],
  { migrations, after }: LintOptions,
  configured: string | null,
): (migration: Migration) => boolean {
  if (migrations !== undefined && migrations.length > 0) {
    const named = new Set(migrations.flatMap((name) => [...resolveInSets(sets, name).values()]))
    return (migration) => named.has(migration)
  }
  const last = after ?? configured
  if (last === null || last === undefined) return () => true
  const passed = new Set<Migration>()
  for (const [set, migration] of resolveInSets(sets, last)) {
    for (const one of set.migrations.slice(0, set.migrations.indexOf(migration) + 1)) passed.add(one)
  }
  return (migration) => !passed.has(migration)
}

async function lintSet(
  fleet: Fleet,
  set: LoadedSet,
  options: LintOptions,
  knowledge: LintKnowledge,
  { isChosen, changed, phases }: Chosen,
  all: Gathered,
): Promise<void> {
  const { config } = fleet
  const tenants = knowledge.tenants?.get(set.config.name) ?? readTenants(fleet, set)
  if (!tenants.known) all.notices.push(tenantsUnknown(set, config.tenants.from))
  const pgVersion = options.pgVersion ?? config.lint.pgVersion
  const seen = new Set<string>()
  const edited = new Map(changed.map((finding) => [finding.migration, finding]))
  const dialects = dialectsOf(fleet, tenants)
  if (dialects.length === 0) all.notAnalysed.push(...noServer(set, isChosen))
  for (const dialect of dialects) {
    const { grammar, companion, keepsRows } = dialect.facts
    const settings: LintSettings = {
      schemaTargets: tenants.schemaTargets && dialect.features.schemas,
      sharedColumn: tenants.sharedTargets ? (config.sharedTables?.column ?? null) : null,
      sharedExcept: config.sharedTables?.except ?? [],
      tenants: tenants.names,
      pgVersion,
      keepsRows,
      grammar,
    }
    const byId = new Map(set.migrations.map((migration) => [migration.id, migration]))
    const chosen = (file: LintedFile) => {
      const migration = byId.get(file.migration)
      return migration !== undefined && isChosen(migration)
    }
    // Begun first: it works while we do.
    const squawking = companion !== null && config.lint.squawk ? askSquawk(set, isChosen, config.root, pgVersion) : null
    const { files, notAnalysed } = await readSet(fleet, set, dialect, settings, isChosen)
    const squawk = await squawking
    const state: LintState = { known: emptySchema(), phases: [...phases] }
    for (const notice of squawk?.notices ?? []) {
      if (!all.notices.some(({ rule }) => rule === notice.rule)) all.notices.push(notice)
    }
    for (const file of files) {
      const edit = file.direction === 'up' ? edited.get(file.migration) : undefined
      const more = [...(edit === undefined ? [] : [edit]), ...(squawk?.findIn(file) ?? [])]
      const judged = judgeFile(file, state, settings, more)
      const isLinted = chosen(file)
      const isTold = (one: LintFinding) => isLinted || one.rule === edit?.rule
      const [kept, ignored] = [judged.kept.filter(isTold), judged.ignored.filter(isTold)]
      if (isLinted) {
        all.files.add(`${file.set}\0${file.file}`)
        all.statements += file.facts.statements.length
      }
      // A set for two kinds of database is read twice; what both say is said once.
      const isNew = (one: LintFinding) => !seen.has(keyOf(one))
      const [newKept, newIgnored] = [kept.filter(isNew), ignored.filter(isNew)]
      for (const one of [...newKept, ...newIgnored]) seen.add(keyOf(one))
      const { placeholders } = set.config
      all.findings.push(...newKept.map((one) => maskFinding(one, placeholders)))
      all.ignored.push(...newIgnored.map((one) => maskFinding(one, placeholders)))
    }
    all.notAnalysed.push(...notAnalysed)
    for (const { migration } of files) edited.delete(migration)
  }
  // Those whose files were not read here: code that every target has applied.
  all.findings.push(...edited.values())
}

interface Squawked {
  findIn(file: LintedFile): LintFinding[]
  notices: readonly Notice[]
}

/** Only what is applied: an undo takes away on purpose. */
async function askSquawk(
  set: LoadedSet,
  isChosen: (migration: Migration) => boolean,
  root: string,
  pgVersion: number | null,
): Promise<Squawked> {
  const bodies = set.migrations.flatMap(({ id, up }, i) =>
    up.kind === 'sql' && isChosen(set.migrations[i] as Migration) ? [{ id, text: up.text }] : [],
  )
  const places = new Map(bodies.map(({ id }, i) => [id, i]))
  const { findIn, notices } = await runSquawk(
    bodies.map(({ text }) => text),
    root,
    pgVersion,
  )
  return {
    notices,
    findIn(file) {
      const place = file.direction === 'up' ? places.get(file.migration) : undefined
      return place === undefined ? [] : findIn(place, file)
    },
  }
}

const keyOf = ({ rule, file, line, column, message }: LintFinding) => `${rule}\0${file}\0${line}\0${column}\0${message}`

function noServer(set: LoadedSet, isChosen: (migration: Migration) => boolean): NotAnalysed[] {
  const reason = 'the config names no server, which would say what kind of database it is for'
  const { name } = set.config
  return set.migrations
    .filter(isChosen)
    .map(({ id, up }) => ({ file: up.file, line: null, migration: id, set: name, reason }))
}

function tenantsUnknown({ config }: LoadedSet, from: string): Notice {
  return {
    rule: 'tenants-not-read',
    message: `Tenants of set ${config.name} come from a ${from}, which is not asked here: rules about schemas of tenants and about shared tables were not applied.`,
  }
}

function describeRules(findings: readonly LintFinding[]): LintRuleDescription[] {
  const described = new Map<string, LintRuleDescription>()
  for (const { rule: id, severity } of findings) {
    if (described.has(id)) continue
    const rule = findRule(id)
    const title = rule?.title ?? `${id.replace('squawk/', '')} (squawk)`
    const why = rule?.why ?? `See https://squawkhq.com/docs/${id.replace('squawk/', '')}`
    described.set(id, { id, title, severity: rule?.severity ?? severity, why })
  }
  return [...described.values()].sort((a, b) => a.id.localeCompare(b.id))
}

function report(
  fleet: Fleet,
  { findings, ignored, notAnalysed, notices, files, statements }: Gathered,
  migrations: number,
  { maxWarnings }: LintOptions,
  startedAt: number,
): LintReport {
  if (maxWarnings !== undefined && !(maxWarnings >= 0)) {
    throw new TenantryError('USAGE', '`maxWarnings` must be a number from 0.')
  }
  const count = (severity: LintFinding['severity']) => findings.filter((one) => one.severity === severity).length
  const [errors, warnings, infos] = [count('error'), count('warning'), count('info')]
  return {
    command: 'lint',
    ok: errors === 0 && (maxWarnings === undefined || warnings <= maxWarnings),
    findings,
    summary: { migrations, files: files.size, statements, errors, warnings, infos, ignored: ignored.length },
    ignored,
    notAnalysed,
    rules: describeRules([...findings, ...ignored]),
    notices,
    fleet: null,
    root: fleet.config.root,
    maxWarnings: maxWarnings ?? null,
    durationMs: Math.round(performance.now() - startedAt),
  }
}
