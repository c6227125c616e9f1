import { resolve } from 'node:path'
import { type Format, formatNames } from '../model/format.ts'
import { historyKinds } from '../model/history.ts'
import type { Tenant } from '../model/tenant.ts'
import { checkName } from './names.ts'
import { type Findings, showName } from './problem.ts'
import { isExpression, isRecord, textAt, type UnknownRecord } from './record.ts'
import type { ResolvedSet, TenantSource } from './resolved.ts'

type Labels = Readonly<Record<string, string>>

/** Name of a set that was given none. */
export const defaultSetName = 'tenant'

/** True if the migrations of a set are for this tenant. */
export function isForTenant(set: ResolvedSet, tenant: Pick<Tenant, 'labels'>): boolean {
  if (set.tenants !== null) return carries(tenant.labels, set.tenants.labels)
  return !(set.exceptLabels ?? []).some((labels) => carries(tenant.labels, labels))
}

function carries(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value)
}

/** Reads `migrations`: one set or several, paths relative to `root`; `added` are the config's own formats. Types are checked elsewhere. */
export function readSets(
  migrations: unknown,
  root: string,
  findings: Findings,
  added: readonly Format[] = [],
): ResolvedSet[] {
  const isList = Array.isArray(migrations)
  const given: readonly unknown[] = isList ? migrations : [migrations ?? {}]
  const sets: ResolvedSet[] = []
  for (const [index, value] of given.entries()) {
    if (!isRecord(value)) continue
    const path = isList ? `migrations[${index}]` : 'migrations'
    const name = textAt(value, 'name')
    if (name === undefined && given.length > 1) {
      findings.problems.push({ path: `${path}.name`, message: 'is missing; each of several sets needs one' })
    }
    if (name !== undefined && sets.some((set) => set.name === name)) {
      findings.problems.push({ path: `${path}.name`, message: `another set is named ${showName(name)}` })
    }
    const ownName = name ?? (given.length > 1 ? `set ${index + 1}` : defaultSetName)
    sets.push(readSet(value, { name: ownName, path, root, added }, findings))
  }
  return sets.map((set) => ({
    ...set,
    exceptLabels:
      set.tenants === null
        ? sets.flatMap((other) => (other.tenants !== null && sharesHistory(set, other) ? [other.tenants.labels] : []))
        : [],
  }))
}

function readSet(
  value: UnknownRecord,
  { name, path, root, added }: { name: string; path: string; root: string; added: readonly Format[] },
  findings: Findings,
): ResolvedSet {
  const dir = value.dir ?? './migrations'
  const dirs = (Array.isArray(dir) ? dir : [dir]).filter((entry) => typeof entry === 'string')
  const history = isRecord(value.history) ? value.history : {}
  const kind = history.kind === 'sql' ? 'schema_migrations' : history.kind
  for (const key of ['table', 'schema'] as const) {
    const given = textAt(history, key)
    const message = given === undefined || given === '' ? null : checkName(given, 'database', null)
    if (message !== null) findings.problems.push({ path: `${path}.history.${key}`, message })
  }
  const placeholders = isRecord(value.placeholders) ? value.placeholders : {}
  if ('' in placeholders)
    findings.problems.push({ path: `${path}.placeholders`, message: 'an empty text cannot be replaced' })
  const session = Array.isArray(value.session) ? value.session : []
  const toolConfig = value.knexfile ?? value.sequelizerc ?? value.dataSource ?? value.kyselyConfig
  const format = [...formatNames, ...added.map((one) => one.name)].find((known) => known === value.format)
  return {
    name,
    dirs: dirs.map((entry) => resolve(root, entry)),
    // Only one format has such a file.
    format: format ?? (value.dataSource === undefined ? 'auto' : 'typeorm'),
    toolConfig: typeof toolConfig === 'string' ? resolve(root, toolConfig) : null,
    prefix: typeof value.prefix === 'string' ? value.prefix : null,
    dirGiven: value.dir !== undefined,
    history: {
      kind: [...historyKinds, ...added.map(({ history: own }) => own.kind)].find((known) => known === kind) ?? 'auto',
      table: textAt(history, 'table') ?? null,
      schema: textAt(history, 'schema') ?? null,
    },
    tenants: readLabels(value.tenants, `${path}.tenants.label`, findings),
    exceptLabels: [],
    ignore: readIgnore(value.ignore),
    placeholders: Object.fromEntries(
      Object.entries(placeholders).filter((pair) => typeof pair[1] === 'string'),
    ) as Labels,
    session: session.filter((statement) => typeof statement === 'string'),
    transaction: value.transaction === 'target' ? 'target' : 'migration',
  }
}

function readLabels(tenants: unknown, path: string, findings: Findings): { labels: Labels } | null {
  if (!isRecord(tenants) || tenants.label === undefined) return null
  const labels: Record<string, string> = {}
  for (const label of Array.isArray(tenants.label) ? tenants.label : [tenants.label]) {
    if (typeof label !== 'string' || label === '') continue
    const equals = label.indexOf('=')
    if (equals < 1) findings.problems.push({ path, message: 'must be written as `key=value`' })
    else labels[label.slice(0, equals)] = label.slice(equals + 1)
  }
  return { labels }
}

function readIgnore(value: unknown): RegExp | null {
  try {
    if (typeof value === 'string') return new RegExp(value)
    // `g` and `y` remember where the last match ended, which would make every other file name fail.
    if (isExpression(value)) return new RegExp(value.source, value.flags.replace(/[gy]/g, ''))
  } catch {
    // Reported with the types.
  }
  return null
}

function sharesHistory(a: ResolvedSet, b: ResolvedSet): boolean {
  return historyTable(a) === historyTable(b) && a.history.schema === b.history.schema
}

/** The table as far as it is known before the folder was looked at. */
function historyTable({ history, format }: ResolvedSet): string {
  if (history.table !== null) return `table ${history.table}`
  const kind = history.kind === 'auto' ? format : history.kind
  return ['sql', 'dbmate', 'golang-migrate'].includes(kind) ? 'schema_migrations' : kind
}

/** Two sets that would write into one history table of one target. */
export function findSetConflicts(sets: readonly ResolvedSet[], source: TenantSource | null, findings: Findings): void {
  for (const [index, later] of sets.entries()) {
    for (const earlier of sets.slice(0, index)) {
      if (!sharesHistory(earlier, later)) continue
      const place = findCommonPlace(earlier, later, source)
      if (place === null) continue
      findings.problems.push({
        path: `migrations[${index}]`,
        message: `shares its history table with the set ${showName(earlier.name)} ${place}; give one of them its own \`history.table\`, or other \`tenants\``,
      })
    }
  }
}

/** Where two sets meet, in words; null: nowhere, as far as it can be told before tenants are read. */
function findCommonPlace(a: ResolvedSet, b: ResolvedSet, source: TenantSource | null): string | null {
  if (a.tenants === null && b.tenants === null) return 'for every tenant'
  if (a.tenants !== null && b.tenants !== null && carries(a.tenants.labels, b.tenants.labels))
    return 'for the same labels'
  if (a.tenants !== null && b.tenants !== null && carries(b.tenants.labels, a.tenants.labels))
    return 'for the same labels'
  if (source?.from !== 'list') return null
  const takenByA = new Map<string, Tenant>()
  for (const tenant of source.tenants)
    if (isForTenant(a, tenant)) takenByA.set(JSON.stringify(tenant.placement), tenant)
  for (const tenant of source.tenants) {
    const other = isForTenant(b, tenant) ? takenByA.get(JSON.stringify(tenant.placement)) : undefined
    if (other === undefined) continue
    return other === tenant
      ? `for the tenant ${showName(tenant.slug)}`
      : `where the tenants ${showName(other.slug)} and ${showName(tenant.slug)} live`
  }
  return null
}
