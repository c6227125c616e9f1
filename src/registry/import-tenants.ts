import { isUtf8 } from 'node:buffer'
import { readFile } from 'node:fs/promises'
import { suggest } from '../config/problem.ts'
import { isRecord } from '../config/record.ts'
import { TenantryError } from '../model/errors.ts'
import type { Notice } from '../model/migration.ts'
import type { Actor, NewTenantRecord, TenantStore } from '../model/registry.ts'
import type { TenantState } from '../model/tenant.ts'
import type { ImportTenantsOptions, ImportTenantsReport } from '../model/tenant-report.ts'
import { checkNewTenant, type GivenTenant, placeKey, type TenantRules } from './check-new-tenant.ts'
import {
  type ImportRow,
  isPasswordColumn,
  looksLikeJson,
  type RowProblem,
  readCsvRows,
  readJsonRows,
} from './import-rows.ts'

const columns = [
  'slug',
  'id',
  'name',
  'topology',
  'server',
  'database',
  'schema',
  'user',
  'password_ref',
  'state',
] as const

/** Lines in the message; the error's context has all. */
const mostInMessage = 200

/** Bytes; ten times a hundred thousand tenants. */
const largestFile = 512 * 1024 * 1024

/**
 * Takes in all tenants of a file, or none: everything is checked first, and written in one transaction. Throws
 * TENANT_INVALID with all that is wrong, by line; TENANT_EXISTS where somebody else was faster with one of them.
 *
 * @param file absolute
 */
export async function importTenants(
  store: Pick<TenantStore, 'list' | 'add'>,
  file: string,
  rules: TenantRules,
  actor: Actor,
  options: ImportTenantsOptions = {},
): Promise<ImportTenantsReport> {
  const text = await readText(file)
  const { rows, problems } = looksLikeJson(file, text) ? readJsonRows(text) : await readCsvRows(text)
  const checked = checkRows(rows, rules)
  problems.push(...checked.problems)
  // Also where a line is wrong: all is told at once.
  problems.push(...(await findTaken(store, checked.tenants)))
  if (problems.length > 0) throw refuseFile(file, problems)
  const tenants = checked.tenants.map(({ tenant }) => tenant)
  if (options.dryRun !== true && tenants.length > 0) await store.add(tenants, actor)
  const states: Partial<Record<TenantState, number>> = {}
  for (const { state } of tenants) states[state] = (states[state] ?? 0) + 1
  return {
    command: 'tenants import',
    ok: true,
    dryRun: options.dryRun === true,
    file,
    tenants: tenants.length,
    states,
    notices: tellCommands(tenants),
    next: nextAfterImport(states, options.dryRun === true),
  }
}

async function readText(file: string): Promise<string> {
  const refuse = (message: string, hint: string, cause?: unknown) =>
    new TenantryError('TENANT_INVALID', `${file} ${message}, so nothing was imported.`, {
      hint,
      cause,
      context: { file },
    })
  const bytes = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
    throw refuse(`cannot be read (${cause.code ?? 'unknown error'})`, 'Name a CSV, JSON or JSON-lines file.', cause)
  })
  if (bytes.length > largestFile) throw refuse('is larger than 512 MB', 'Cut it into several files.')
  const isUtf16 = bytes.length > 1 && (bytes.readUInt16BE(0) === 0xfeff || bytes.readUInt16BE(0) === 0xfffe)
  if (isUtf16 || !isUtf8(bytes))
    throw refuse('is not UTF-8 text', 'Save it as "CSV UTF-8", or convert it with `iconv -t utf-8`.')
  return bytes.toString('utf8').replace(/^\ufeff/, '')
}

interface CheckedRow {
  line: number
  tenant: NewTenantRecord
}

function checkRows(rows: readonly ImportRow[], rules: TenantRules): { tenants: CheckedRow[]; problems: RowProblem[] } {
  const problems: RowProblem[] = []
  const tenants: CheckedRow[] = []
  const seen = { slug: new Map<string, number>(), id: new Map<string, number>(), place: new Map<string, CheckedRow>() }
  const unknown = new Set<string>()
  for (const { line, values } of rows) {
    const given = readFields(values, (name, message) => {
      // A heading is wrong once, not once in each line.
      if (unknown.has(name)) return
      unknown.add(name)
      problems.push({ line, message })
    })
    const result = checkNewTenant(given, rules, 'active')
    if ('problems' in result) {
      for (const { field, message } of result.problems)
        problems.push({ line, message: field === '' ? message : `${field} ${message}` })
      continue
    }
    const row = { line, tenant: result.tenant }
    const twice = findTwice(row, seen)
    if (twice === null) tenants.push(row)
    else problems.push({ line, message: twice })
  }
  return { tenants, problems }
}

function readFields(
  values: Readonly<Record<string, unknown>>,
  refuse: (name: string, message: string) => void,
): GivenTenant {
  const given: Record<string, unknown> = {}
  const labels: [string, unknown][] = []
  for (const [name, value] of Object.entries(values)) {
    if ((columns as readonly string[]).includes(name)) given[name] = value
    else if (name.startsWith('label.')) labels.push([name.slice('label.'.length), value])
    else if (name === 'labels' && isRecord(value)) labels.push(...Object.entries(value))
    else if (name === 'labels') given[name] = value
    else if (!isPasswordColumn(name)) {
      const shown = JSON.stringify(name.slice(0, 60))
      refuse(
        name,
        `there is no column ${shown}${suggest(name, columns)}; there are ${columns.join(', ')} and label.<key>`,
      )
    }
  }
  return { ...given, ...(labels.length === 0 ? {} : { labels: Object.fromEntries(labels) }) }
}

function findTwice(
  row: CheckedRow,
  seen: { slug: Map<string, number>; id: Map<string, number>; place: Map<string, CheckedRow> },
): string | null {
  const { line, tenant } = row
  const bySlug = seen.slug.get(tenant.slug)
  if (bySlug !== undefined) return `slug "${tenant.slug}" is in line ${bySlug}, too`
  seen.slug.set(tenant.slug, line)
  const byId = tenant.id === undefined ? undefined : seen.id.get(tenant.id)
  if (byId !== undefined) return `id ${tenant.id} is in line ${byId}, too`
  if (tenant.id !== undefined) seen.id.set(tenant.id, line)
  const place = placeKey(tenant.placement)
  const byPlace = seen.place.get(place)
  if (byPlace !== undefined && !bothShared(byPlace.tenant, tenant))
    return `${describePlacement(tenant)} is the place of "${byPlace.tenant.slug}" in line ${byPlace.line}, too`
  if (byPlace === undefined) seen.place.set(place, row)
  return null
}

function bothShared(one: Pick<NewTenantRecord, 'topology'>, other: Pick<NewTenantRecord, 'topology'>): boolean {
  return one.topology === 'shared' && other.topology === 'shared'
}

function describePlacement({ placement: { server, database, schema } }: Pick<NewTenantRecord, 'placement'>): string {
  return [server, database, ...(schema === undefined ? [] : [schema])].join('/')
}

async function findTaken(store: Pick<TenantStore, 'list'>, rows: readonly CheckedRow[]): Promise<RowProblem[]> {
  if (rows.length === 0) return []
  const slugs = new Map(rows.map((row) => [row.tenant.slug, row]))
  const ids = new Map(rows.flatMap((row) => (row.tenant.id === undefined ? [] : [[row.tenant.id, row] as const])))
  const places = new Map<string, CheckedRow[]>()
  for (const row of rows) {
    const key = placeKey(row.tenant.placement)
    places.set(key, [...(places.get(key) ?? []), row])
  }
  const problems: RowProblem[] = []
  for await (const tenant of store.list()) {
    const bySlug = slugs.get(tenant.slug)
    const byId = ids.get(tenant.id)
    if (bySlug !== undefined)
      problems.push({
        line: bySlug.line,
        message: `slug "${tenant.slug}" is in the registry already (${tenant.state})`,
      })
    if (byId !== undefined && byId !== bySlug)
      problems.push({ line: byId.line, message: `id ${tenant.id} is that of "${tenant.slug}" in the registry` })
    for (const row of places.get(placeKey(tenant.placement)) ?? []) {
      if (row === bySlug || row === byId || bothShared(tenant, row.tenant)) continue
      problems.push({
        line: row.line,
        message: `${describePlacement(row.tenant)} is the place of "${tenant.slug}" in the registry`,
      })
    }
  }
  return problems
}

function refuseFile(file: string, problems: RowProblem[]): TenantryError {
  problems.sort((a, b) => a.line - b.line)
  const shown = problems.slice(0, mostInMessage).map(({ line, message }) => `  line ${line}: ${message}`)
  const more = problems.length - shown.length
  const lines = new Set(problems.map(({ line }) => line)).size
  const title = `${file} has ${problems.length === 1 ? 'a problem' : `${problems.length} problems in ${lines} ${lines === 1 ? 'line' : 'lines'}`}, so nothing was imported:`
  return new TenantryError(
    'TENANT_INVALID',
    [title, ...shown, ...(more > 0 ? [`  and ${more} more (--json lists all)`] : [])].join('\n'),
    { hint: 'Mend these lines and run it again; `--dry-run` only checks.', context: { file, problems } },
  )
}

/** Whoever wrote the file chose what will be run on this machine. */
function tellCommands(tenants: readonly NewTenantRecord[]): Notice[] {
  const count = tenants.filter(({ credential }) => credential?.reference?.startsWith('command:')).length
  if (count === 0) return []
  const message = `${count} of these tenants name a command that prints their password: it is run on this machine whenever they are connected to. Look at \`password_ref\` in the file if somebody else wrote it.`
  return [{ rule: 'import-commands', message }]
}

function nextAfterImport(states: ImportTenantsReport['states'], dryRun: boolean) {
  if (dryRun) return []
  return [
    ...((states.active ?? 0) > 0
      ? [{ command: 'tenantry adopt', why: 'what is applied in their databases, and what is odd' }]
      : []),
    ...((states.provisioning ?? 0) > 0
      ? [
          {
            command: 'tenantry tenants list --state provisioning',
            why: '`tenantry tenants provision <slug>` makes each',
          },
        ]
      : []),
  ]
}
