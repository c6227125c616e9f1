import { comparePictures } from '../engine/compare-pictures.ts'
import type { VerifyFinding } from '../model/check-report.ts'
import { DatabaseError } from '../model/dialect.ts'
import { type ErrorDocument, isTenantryError } from '../model/errors.ts'
import type { Notice } from '../model/migration.ts'
import type { PictureScope } from '../model/picture.ts'
import type { Fleet, FleetSet } from '../rollout/fleet.ts'
import { findUnlanded } from '../rollout/prove-baseline.ts'
import { runBounded } from '../rollout/schedule.ts'
import { describeTarget } from './compare-hashes.ts'
import { lookError, readFingerprints } from './fingerprints.ts'
import type { FleetTarget } from './fleet-targets.ts'
import type { References } from './reference.ts'
import { incomparable, stateOf, type TargetState } from './target-states.ts'

/** Targets with the same history and the same schema: one of them is looked at, and speaks for the others. */
interface Group {
  state: TargetState
  hash: string
  members: FleetTarget[]
  /** A reference can be built for it. */
  comparable: boolean
}

export interface ClaimedObjects {
  findings: ReadonlyMap<FleetTarget, readonly VerifyFinding[]>
  failures: ReadonlyMap<FleetTarget, ErrorDocument>
  notices: readonly Notice[]
}

/**
 * What the histories claim and the schemas lack: compared with what the migrations really make, where the config names a
 * scratch server for it; else (or where a history is no beginning of the folder) each statement of the applied
 * migrations is looked up in the catalog.
 *
 * @param references null: there are none
 */
export async function findClaimed(
  fleet: Fleet,
  sets: readonly FleetSet[],
  targets: readonly FleetTarget[],
  scope: PictureScope,
  references: References | null,
  stop: () => boolean,
): Promise<ClaimedObjects> {
  const findings = new Map<FleetTarget, readonly VerifyFinding[]>()
  const failures = new Map<FleetTarget, ErrorDocument>()
  const notices = new Map<string, Notice>()
  const say = (notice: Notice) => void notices.set(notice.message, notice)
  const groups = await groupTargets(fleet, sets, targets, scope, { references, failures, stop })
  await runBounded(
    groups,
    ({ state }) => state.target.placement,
    fleet.limits,
    async (group) => {
      const seen = await lookAt(fleet, group, scope, references, say)
      for (const member of group.members) {
        if ('error' in seen) failures.set(member, seen.error)
        else findings.set(member, seen.findings)
      }
    },
    stop,
  )
  // Most databases were only hashed: their sessions were kept for the few that are looked at.
  const places = new Map(
    targets.map(({ target: { placement } }) => [`${placement.server}\0${placement.database}`, placement]),
  )
  await Promise.all([...places.values()].map(({ server, database }) => fleet.pool.closeDatabase(server, database)))
  return { findings, failures, notices: [...notices.values()] }
}

async function groupTargets(
  fleet: Fleet,
  sets: readonly FleetSet[],
  targets: readonly FleetTarget[],
  scope: PictureScope,
  about: { references: References | null; failures: Map<FleetTarget, ErrorDocument>; stop: () => boolean },
): Promise<Group[]> {
  const states = targets.map((entry) => {
    const reasons = entry.parts.map(({ set, plan }) => incomparable(entry.target, set, plan.standing))
    const scratch = about.references !== null && hasScratch(fleet, entry)
    const comparable = scratch && reasons.every((reason) => reason === null)
    return { entry, comparable, state: stateOf(fleet, sets, entry.target, entry.parts, !comparable) }
  })
  const prints = await readFingerprints(
    fleet,
    states.map(({ state }) => state.target),
    scope,
    { stop: about.stop, keep: true },
  )
  const groups = new Map<string, Group>()
  for (const { entry, state, comparable } of states) {
    const print = prints.get(state.target)
    if (print === undefined) continue
    if ('error' in print) {
      about.failures.set(entry, print.error)
      continue
    }
    const key = JSON.stringify([comparable, state.recipe.kind, state.key, print.hash])
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { state, hash: print.hash, members: [entry], comparable })
    else group.members.push(entry)
  }
  return [...groups.values()]
}

/** Is there a server that a reference of this kind of database can be built on? */
function hasScratch({ config, pool }: Fleet, { target }: FleetTarget): boolean {
  return (
    config.scratch !== null && pool.dialect(config.scratch.server).name === pool.dialect(target.placement.server).name
  )
}

async function lookAt(
  fleet: Fleet,
  group: Group,
  scope: PictureScope,
  references: References | null,
  say: (notice: Notice) => void,
): Promise<{ findings: VerifyFinding[] } | { error: ErrorDocument }> {
  if (!group.comparable || references === null) return probe(fleet, group, say)
  try {
    const reference = await references.picture(group.state.recipe, scope)
    if (reference.hash === group.hash) return { findings: [] }
    const seen = await describeTarget(fleet, group.state.target, scope)
    if ('error' in seen) return seen
    const missing = comparePictures(reference, seen).filter(({ change }) => change === 'missing')
    return {
      findings: missing.map(({ kind, object }) =>
        claimed(object, `${kind.replaceAll('-', ' ')} ${object} is not there`),
      ),
    }
  } catch (error) {
    if (!isTenantryError(error) || error.code !== 'REFERENCE_FAILED') throw error
    // What nothing can be compared with can still be looked up.
    const message = `Looked up statement by statement instead of compared: ${error.message}`
    say({ rule: 'reference-failed', message, ...(error.hint === null ? {} : { hint: error.hint }) })
    return probe(fleet, group, say)
  }
}

async function probe(
  fleet: Fleet,
  { state, members }: Group,
  say: (notice: Notice) => void,
): Promise<{ findings: VerifyFinding[] } | { error: ErrorDocument }> {
  const { server, database } = state.target.placement
  const [first] = members
  const findings: VerifyFinding[] = []
  try {
    const lease = await fleet.pool.lease(server, database)
    try {
      for (const { set, plan } of first?.parts ?? []) {
        const { unlanded, unread } = await findUnlanded(fleet, set, plan, lease.connection)
        if (unread.length > 0) say(codeNotice(set, unread))
        for (const { migration, reason } of unlanded)
          findings.push(claimed(nameIn(reason), `${reason.replace(/\.$/, '')}, and ${migration} is applied`))
      }
    } finally {
      await lease.release()
    }
  } catch (error) {
    if (error instanceof DatabaseError) return { error: lookError(error, state.target) }
    throw error
  }
  return { findings }
}

/** The thing that a reason of the catalog is about: `constraint orders_fk on orders is not there`. */
function nameIn(reason: string): string {
  const subject = reason.replace(/ (?:is|are|has|does|was) .*$/s, '').replace(/ on \S+$/, '')
  return subject.replace(/^(?:materialized |foreign |primary )?[a-z]+ (?=.)/, '')
}

function claimed(object: string, what: string): VerifyFinding {
  return {
    rule: 'claimed-and-missing',
    severity: 'error',
    object,
    message: `The history claims it, and the schema lacks it: ${what}.`,
    hint: '`tenantry backfill --dry-run` shows what would make it; `tenantry drift` shows every difference.',
  }
}

function codeNotice(set: FleetSet, unread: readonly string[]): Notice {
  return {
    rule: 'code-not-looked-up',
    message: `What ${unread.length === 1 ? '1 migration' : `${unread.length} migrations`} of set ${set.config.name} made was not looked up, since they are code.`,
    hint: '`scratch: { server: … }` in the config names where it can be made to compare with',
  }
}
