import { checkSlug, showSlug } from '../config/check-slug.ts'
import type { Findings } from '../config/problem.ts'
import { isRecord } from '../config/record.ts'
import type { ResolvedConfig } from '../config/resolved.ts'
import { readTenant, stateNames, topologyNames } from '../config/to-tenant.ts'
import type { NewTenantRecord } from '../model/registry.ts'
import type { Placement, TenantState } from '../model/tenant.ts'
import { checkReference } from './resolve-reference.ts'

/** What new tenants are held against. */
export type TenantRules = Pick<ResolvedConfig, 'servers' | 'provision' | 'registry' | 'root'>

/** One thing that is wrong with a new tenant. */
export interface TenantProblem {
  /** `slug`, `label.tier`; empty: the tenant as a whole. */
  field: string
  message: string
}

/** A new tenant as somebody wrote it down; nothing of it is known to be right. */
export interface GivenTenant {
  slug?: unknown
  id?: unknown
  name?: unknown
  topology?: unknown
  server?: unknown
  database?: unknown
  schema?: unknown
  state?: unknown
  user?: unknown
  password_ref?: unknown
  labels?: unknown
}

/** States that a tenant may come into the registry with. */
export const firstStates: readonly TenantState[] = ['active', 'provisioning', 'suspended', 'archived']

const longestText = 255
const longestLabelKey = 63

/**
 * Checks everything that can be checked without asking a server. Whether slug, id or place are taken is not looked at.
 *
 * @param fallbackState for a tenant that names no state
 */
export function checkNewTenant(
  given: GivenTenant,
  rules: TenantRules,
  fallbackState: TenantState,
): { tenant: NewTenantRecord } | { problems: readonly TenantProblem[] } {
  const problems: TenantProblem[] = []
  const problem = (field: string, message: string) => void problems.push({ field, message })
  const [slug, name, user, reference] = [text('slug'), text('name'), text('user'), text('password_ref')]
  const id = readId()
  if (slug === undefined) problem('slug', 'is missing')
  else report('slug', checkSlug(slug), showSlug(slug))
  report('name', name === undefined ? null : checkText(name))
  report('user', user === undefined ? null : checkText(user))
  const labels = readLabels()
  const state = readState()
  const placement = readPlacement()
  // What was given is not repeated: it may be a password in the wrong place.
  report('password_ref', reference === undefined ? null : (checkReference(reference) ?? checkText(reference)))
  if (problems.length > 0 || placement === null || slug === undefined) return { problems }
  return {
    tenant: {
      slug,
      ...(id === undefined ? {} : { id }),
      ...(name === undefined ? {} : { name }),
      topology: placement.topology,
      labels,
      state,
      placement: placement.placement,
      ...(user === undefined && reference === undefined
        ? {}
        : { credential: { user: user ?? null, reference: reference ?? null } }),
    },
  }

  function text(field: keyof GivenTenant): string | undefined {
    const value = given[field]
    if (value === undefined || value === null) return undefined
    if (typeof value === 'string') return value
    problem(field, 'must be a text')
    return undefined
  }

  function report(field: string, complaint: string | null, shown = '') {
    if (complaint !== null) problem(field, shown === '' ? complaint : `${shown} ${complaint}`)
  }

  /** Ours are UUIDs; a team's own table has its own kind. */
  function readId(): string | undefined {
    const value = text('id')
    if (value === undefined || rules.registry?.mapped) return value
    if (/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(value)) return value.toLowerCase()
    problem('id', 'must be a UUID such as 3f2b8c1e-5a74-4d0e-9c1b-0d6f7a8b9c10; leave it out to have one made')
    return undefined
  }

  function readState(): TenantState {
    const value = text('state')
    if (value === undefined) return fallbackState
    const known = firstStates.find((one) => one === value)
    if (known !== undefined) return known
    const isState = stateNames.some((one) => one === value)
    problem('state', isState ? `cannot be ${value} from the start` : `must be one of ${firstStates.join(', ')}`)
    return fallbackState
  }

  function readLabels(): Record<string, string> {
    if (given.labels === undefined || given.labels === null) return {}
    if (!isRecord(given.labels)) {
      problem('labels', 'must be an object of texts')
      return {}
    }
    const labels: [string, string][] = []
    for (const [key, value] of Object.entries(given.labels)) {
      const field = `label.${showSlug(key).slice(1, -1)}`
      report(field, checkLabelKey(key))
      if (typeof value === 'string') report(field, checkText(value))
      if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
        labels.push([key, String(value)])
      else problem(field, 'must be a text')
    }
    // A label may be called `__proto__`; it is a name like any other.
    return Object.fromEntries(labels)
  }

  function readPlacement() {
    const { provision, servers, root } = rules
    const findings: Findings = { problems: [], notices: [] }
    const { topology, server, database, schema } = given
    // As for tenants of a config; the slug has been judged more strictly than there.
    const input = {
      slug: 'tenant',
      topology: topology ?? (schema == null ? provision.topology : 'schema'),
      server,
      database,
      schema,
    }
    const read = readTenant(
      input,
      servers,
      {
        path: '',
        root,
        ...(provision.server === null ? {} : { server: provision.server }),
        ...(provision.database === null ? {} : { database: provision.database }),
      },
      findings,
    )
    for (const { path, message } of findings.problems) problem(path.replace(/^\./, ''), message)
    if (read === null) return null
    return { topology: topologyNames.find((one) => one === read.topology) ?? 'database', placement: read.placement }
  }
}

/** Why no database can store this text, or no person read it; null: it is fine. Control characters are: they are shown as codes. */
function checkText(value: string): string | null {
  if (value.includes('\0')) return 'holds a NUL character (U+0000), which databases do not store'
  if (Buffer.from(value, 'utf8').toString('utf8') !== value) return 'holds half a character (a lone surrogate)'
  const { length } = [...value]
  return length > longestText ? `is ${length} characters long; the limit is ${longestText}` : null
}

function checkLabelKey(key: string): string | null {
  if (key === '') return 'has no name'
  if (key.includes('=')) return 'has an `=` in its name'
  if (/[\p{C}\s]/u.test(key)) return 'has a space or a control character in its name'
  const bytes = Buffer.byteLength(key)
  return bytes > longestLabelKey ? `has a name of ${bytes} bytes; the limit is ${longestLabelKey}` : null
}

/**
 * What two tenants must not have both, unless both are in shared tables. The default schema of a database is the same
 * place whether it is named or not.
 */
export function placeKey({ server, database, schema }: Placement): string {
  return JSON.stringify([server, database, schema === 'public' ? null : (schema ?? null)])
}
