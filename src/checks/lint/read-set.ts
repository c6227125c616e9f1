import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { isForTenant } from '../../config/sets.ts'
import type { CodeRemoval } from '../../model/code.ts'
import type { Dialect } from '../../model/dialect.ts'
import type { LintReport } from '../../model/lint.ts'
import type { Body, Migration } from '../../model/migration.ts'
import type { FactsFile, FileComment, FileFacts, StatementFacts } from '../../model/statement-facts.ts'
import type { Tenant } from '../../model/tenant.ts'
import { describeThrown } from '../../model/thrown.ts'
import type { Fleet, LoadedSet } from '../../rollout/fleet.ts'
import { readRemovals } from './read-removals.ts'
import type { LintedFile, LintSettings } from './rule.ts'

export type NotAnalysed = LintReport['notAnalysed'][number]

/** What is known about the tenants of a set without asking a server. */
export interface SetTenants {
  schemaTargets: boolean
  sharedTargets: boolean
  /** Ids and slugs. */
  names: ReadonlySet<string>
  /** Names of servers; empty: any of the config's. */
  servers: ReadonlySet<string>
  /** The source of tenants tells all of this without a server. */
  known: boolean
}

/** Tenants of a list are known; those of a query, a function or a registry are not. */
export function readTenants(fleet: Fleet, set: LoadedSet): SetTenants {
  const { tenants: source, sharedSchema } = fleet.config
  const unknown = { sharedTargets: false, names: new Set<string>(), servers: new Set<string>() }
  if (source.from === 'schemas')
    return { ...unknown, schemaTargets: true, servers: new Set([source.server]), known: true }
  if (source.from !== 'list') return { ...unknown, schemaTargets: false, known: false }
  const own = source.tenants.filter((tenant) => isForTenant(set.config, tenant))
  return describeTenants(own, sharedSchema)
}

export function describeTenants(tenants: readonly Tenant[], sharedSchema: string): SetTenants {
  const isOwnSchema = ({ placement: { schema } }: Tenant) => schema !== undefined && schema !== sharedSchema
  return {
    schemaTargets: tenants.some(isOwnSchema),
    sharedTargets: tenants.some(({ topology }) => topology === 'shared'),
    names: new Set(tenants.flatMap(({ id, slug }) => [id, slug])),
    servers: new Set(tenants.map(({ placement }) => placement.server)),
    known: true,
  }
}

/** The kinds of database that a set is for. */
export function dialectsOf(fleet: Fleet, tenants: SetTenants): Dialect[] {
  const all = [...fleet.config.servers.keys()]
  const servers = tenants.servers.size === 0 ? all : all.filter((name) => tenants.servers.has(name))
  return [...new Set((servers.length === 0 ? all : servers).map((name) => fleet.pool.dialect(name)))]
}

const nothing: FileFacts = { statements: [], comments: [], oneTransaction: false, syntaxError: null }

export interface ReadSet {
  /** Each migration's `up`, followed by its `down` where that is SQL. */
  files: readonly LintedFile[]
  notAnalysed: readonly NotAnalysed[]
}

/** Reads every body of a set as facts, in order. Asks no server; imports what is code. */
export async function readSet(
  fleet: Fleet,
  set: LoadedSet,
  dialect: Dialect,
  settings: LintSettings,
  isChosen: (migration: Migration) => boolean,
): Promise<ReadSet> {
  const texts = set.migrations.flatMap((migration): FactsFile[] =>
    (['up', 'down'] as const).flatMap((direction) => {
      const body = migration[direction]
      if (body?.kind !== 'sql') return []
      return [{ migration: migration.id, file: body.file, direction, text: body.text }]
    }),
  )
  const { sharedColumn, schemaTargets } = settings
  const tenantColumns = [...new Set([sharedColumn ?? 'tenant_id', 'tenant_id', 'tenant_slug', 'tenant', 'slug'])]
  const { sharedSchema } = fleet.config
  const request = { schemaTargets, sharedSchema, tenantColumns }
  const facts = await dialect.facts.read(texts, request)
  const known = new Map(texts.map((text, i) => [`${text.direction} ${text.migration}`, facts[i] ?? nothing]))
  const problems = await findProblems(fleet, set, dialect, schemaTargets, isChosen)
  const files: LintedFile[] = []
  const notAnalysed: NotAnalysed[] = []
  for (const migration of set.migrations) {
    for (const direction of ['up', 'down'] as const) {
      const body = migration[direction]
      if (body === null || (direction === 'down' && body.kind === 'code')) continue
      const own = known.get(`${direction} ${migration.id}`)
      const place = { set: set.config.name, migration: migration.id, file: body.file, direction }
      const found = problems.get(body) ?? []
      if (body.kind === 'sql' && own !== undefined) {
        const undo = migration.down === null ? 'absent' : 'present'
        const facts = { ...place, text: body.text, facts: own, phase: migration.phase ?? null, problems: found }
        files.push({ ...facts, undo: direction === 'up' ? undo : 'present' })
        if (isChosen(migration)) notAnalysed.push(...findUnread(place, own))
      } else if (isChosen(migration)) {
        const { file, why } = await readCode(fleet, migration, place, (removals) =>
          readRemovals(removals, { migration: migration.id, file: body.file, direction }, dialect, request),
        )
        files.push(file)
        notAnalysed.push({ ...place, line: null, reason: why })
      }
    }
  }
  return { files, notAnalysed }
}

function findUnread(place: { set: string; migration: string; file: string }, { statements }: FileFacts): NotAnalysed[] {
  const { set, migration, file } = place
  return statements.flatMap(({ line, unread }) =>
    unread === null ? [] : [{ set, migration, file, line, reason: unread }],
  )
}

/** What `plan` would refuse, by body. Only of migrations that are looked at. */
async function findProblems(
  fleet: Fleet,
  set: LoadedSet,
  dialect: Dialect,
  schemaTargets: boolean,
  isChosen: (migration: Migration) => boolean,
): Promise<Map<Body, LintedFile['problems']>> {
  const book = dialect.compile(set.migrations, {
    schemaTargets,
    // How many there are is not asked: what works for one schema only is a problem to come.
    targetsPerDatabase: schemaTargets ? 2 : 1,
    sharedSchema: fleet.config.sharedSchema,
  })
  const found = new Map<Body, LintedFile['problems']>()
  for (const migration of set.migrations) {
    if (!isChosen(migration)) continue
    const { up, down } = migration
    if (up.kind === 'sql') found.set(up, (await book.up(migration)).problems)
    if (down?.kind === 'sql') found.set(down, (await book.down(migration))?.problems ?? [])
  }
  return found
}

type Place = { set: string; migration: string; file: string; direction: 'up' | 'down' }

/**
 * A file of code: its names, its undo, its comments and what it plainly takes away are looked at; what else it sends is
 * not.
 */
async function readCode(
  fleet: Fleet,
  migration: Migration,
  { set, migration: id, file }: Place,
  read: (removals: readonly CodeRemoval[]) => Promise<readonly StatementFacts[]>,
): Promise<{ file: LintedFile; why: string }> {
  const text = await readFile(resolve(fleet.config.root, file), 'utf8').catch(() => null)
  const comments = text === null ? [] : commentsOfCode(text)
  const base = { set, migration: id, file, direction: 'up' as const, text, phase: migration.phase ?? null }
  const facts = { ...nothing, comments }
  const why = 'what code sends is not known before it runs'
  try {
    const { removals = [] } = migration.up.kind === 'code' ? await migration.up.load() : {}
    const undo = await judgeUndo(migration.down)
    return { file: { ...base, facts: { ...facts, statements: await read(removals) }, undo, problems: [] }, why }
  } catch (error) {
    const { message } = describeThrown(error, process.env)
    return { file: { ...base, facts, undo: 'unknown', problems: [{ message }] }, why: 'the file could not be imported' }
  }
}

async function judgeUndo(down: Body | null): Promise<LintedFile['undo']> {
  if (down === null) return 'absent'
  if (down.kind === 'sql') return 'present'
  const { run, empty } = await down.load()
  if (run === null) return 'absent'
  return empty ? 'empty' : 'present'
}

/** Comments of a source file that speak to tenantry: about the file, wherever they stand. */
function commentsOfCode(text: string): FileComment[] {
  return text.split('\n').flatMap((line, i) => {
    const found = /^(\s*)(?:\/\/+|\*|\/\*+|--|#)\s*(tenantry:.*?)\s*(?:\*\/)?$/.exec(line)
    if (found === null) return []
    const [, space = '', said = ''] = found
    return [{ text: said, line: i + 1, column: space.length + 1, statement: null, isHeader: true }]
  })
}
