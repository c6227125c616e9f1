import { setTimeout as sleep } from 'node:timers/promises'
import { describeTarget } from '../checks/compare-hashes.ts'
import { References } from '../checks/reference.ts'
import { isRecord } from '../config/record.ts'
import { comparePictures } from '../engine/compare-pictures.ts'
import type { Connection } from '../model/dialect.ts'
import { TenantryError } from '../model/errors.ts'
import type { Template, Templates } from '../model/places.ts'
import type { Target } from '../model/tenant.ts'
import { migrateOne } from '../rollout/migrate-one.ts'
import { prepareDatabase } from './make-place.ts'
import { asThrown, interrupted, type Making } from './making.ts'
import { familyOf, keyOfPlace } from './place-key.ts'
import type { TenantSets } from './tenant-sets.ts'

export const templatePrefix = 'tenantry_template_'
const pollMs = 100
/** A template that nobody needs any more may be needed again while two versions of an application run side by side. */
const spareTemplates = 1

/** A database that a new tenant's is copied from, and the hash of what is in it. */
export interface FoundTemplate {
  name: string
  hash: string
}

interface TemplateNote {
  family: string
  hash: string
  at: string
}

/**
 * The template that holds what the folders make now; built where there is none, by one process of those that ask for
 * it. null: there is none for this kind of place.
 */
export async function findTemplate(making: Making, tenantSets: TenantSets): Promise<FoundTemplate | null> {
  const { templates } = making.places
  const { topology } = making.tenant
  const { provision } = making.about.fleet.config
  if (templates === undefined || provision.from === 'replay') return null
  if (topology === 'schema' || topology === 'shared') return null
  return making.home(async (home) => {
    const name = templatePrefix + keyOfPlace(making, tenantSets, home.version).slice(0, 24)
    return (await look(templates, home, name)) ?? buildOnce(making, tenantSets, templates, home, name)
  })
}

async function look(templates: Templates, home: Connection, name: string): Promise<FoundTemplate | null> {
  const found = (await templates.list(home, name)).find((one) => one.name === name)
  const note = found === undefined ? null : readNote(found)
  return note === null ? null : { name, hash: note.hash }
}

/** null: it is none of ours, or not finished. */
function readNote({ note }: Template): TemplateNote | null {
  try {
    const value: unknown = JSON.parse(note)
    const { family, hash, at } = isRecord(value) ? value : {}
    return typeof family === 'string' && typeof hash === 'string' && typeof at === 'string'
      ? { family, hash, at }
      : null
  } catch {
    return null
  }
}

async function buildOnce(
  making: Making,
  tenantSets: TenantSets,
  templates: Templates,
  home: Connection,
  name: string,
): Promise<FoundTemplate> {
  const { pool } = making.about.fleet
  const { server } = making.tenant.placement
  const dialect = pool.dialect(server)
  for (;;) {
    const lock = await dialect.lockTarget(home, name, () => pool.another(server, home.database))
    if (lock !== null) {
      try {
        return (await look(templates, home, name)) ?? (await build(making, tenantSets, templates, home, name))
      } finally {
        await lock.release()
      }
    }
    if (making.signal.aborted) throw interrupted(making.tenant.slug)
    await sleep(pollMs)
    const found = await look(templates, home, name)
    if (found !== null) return found
  }
}

async function build(
  making: Making,
  tenantSets: TenantSets,
  templates: Templates,
  home: Connection,
  name: string,
): Promise<FoundTemplate> {
  const { fleet } = making.about
  const { pool } = fleet
  const { server } = making.tenant.placement
  // A run that was killed while it built leaves its own; the lock is ours, so that nobody else can be at it.
  const draft = templates.draftOf(name)
  await templates.begin(home, draft)
  const target: Target = {
    name: `${server}/${draft}`,
    placement: { server, database: draft },
    tenants: making.target.tenants,
  }
  try {
    const { sets } = tenantSets
    await making.use(draft, (connection) =>
      prepareDatabase(
        making,
        connection,
        sets.map(({ historySchema }) => historySchema),
      ),
    )
    for (const set of sets) {
      const signals = { drain: making.signal, cancel: making.signal }
      const { error } = await migrateOne(fleet, set, target, { direction: 'up', to: null }, signals)
      if (error !== null) throw asThrown(error)
    }
    const hash = await compare(making, tenantSets, target)
    await pool.closeDatabase(server, draft)
    const family = familyOf(making, tenantSets)
    const note: TemplateNote = { family, hash, at: new Date().toISOString() }
    await templates.publish(home, draft, name, JSON.stringify(note))
    await dropOlder(templates, home, family, name)
    return { name, hash }
  } catch (error) {
    await pool.closeDatabase(server, draft)
    await templates.drop(home, draft).catch(() => {})
    throw error
  }
}

/** A template is what the migrations make, run one after the other; held against a second run of them elsewhere. */
async function compare(making: Making, { recipe, scope }: TenantSets, target: Target): Promise<string> {
  const { fleet, stateDir } = making.about
  const seen = await describeTarget(fleet, target, scope)
  if ('error' in seen) throw asThrown(seen.error)
  const scratch = fleet.config.scratch?.server
  if (scratch === undefined || fleet.pool.dialect(scratch).name !== recipe.dialect) return seen.hash
  const references = new References(fleet, stateDir, making.signal)
  try {
    const reference = await references.picture(recipe, scope)
    const differences = seen.hash === reference.hash ? [] : comparePictures(reference, seen)
    if (differences.length === 0) return seen.hash
    throw new TenantryError(
      'VERIFY_FAILED',
      `Two runs of the same migrations made different schemas (${differences[0]?.kind} ${differences[0]?.object}), so no template is kept.`,
      {
        hint: 'Look for what depends on the moment or the server: dates, random names, roles.',
        context: { differences },
      },
    )
  } finally {
    await references.close()
  }
}

async function dropOlder(templates: Templates, home: Connection, family: string, current: string): Promise<void> {
  const own = (await templates.list(home, templatePrefix))
    .map((one) => ({ ...one, note: readNote(one) }))
    .filter(({ name, note }) => note?.family === family && name !== current)
    .sort((a, b) => (b.note?.at ?? '').localeCompare(a.note?.at ?? ''))
  for (const { name } of own.slice(spareTemplates)) await templates.drop(home, name).catch(() => {})
}
