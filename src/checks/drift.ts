import type { DriftCluster, DriftOptions, DriftReport } from '../model/check-report.ts'
import { isTenantryError, TenantryError } from '../model/errors.ts'
import type { Notice } from '../model/migration.ts'
import type { PictureScope } from '../model/picture.ts'
import type { Target } from '../model/tenant.ts'
import type { Fleet } from '../rollout/fleet.ts'
import { foldClusters } from './clusters.ts'
import { compareHashes, type HashGroup } from './compare-hashes.ts'
import { type Fingerprint, readFingerprints } from './fingerprints.ts'
import { pictureScope } from './picture-scope.ts'
import { describeRecipe } from './recipe.ts'
import { References } from './reference.ts'
import { readStates, type TargetState } from './target-states.ts'

/** Targets that should have the same schema, by what they have. */
interface StateGroup {
  state: TargetState
  hashes: Map<string, Target[]>
}

/**
 * Compares the real schemas of a fleet with what the migrations build up to where each target is, or (`between`) with
 * what most targets at the same migration have. Changes nothing outside the scratch server. Throws SCRATCH_MISSING,
 * REFERENCE_FAILED, INTERRUPTED.
 */
export async function findDrift(fleet: Fleet, stateDir: string, options: DriftOptions = {}): Promise<DriftReport> {
  const startedAt = performance.now()
  const between = options.between === true
  const drain = options.signal?.drain
  const { sets, states, failures } = await readStates(fleet, options.selectors ?? {}, { between })
  const scope = pictureScope(fleet.config, sets)
  const references = new References(fleet, stateDir, drain)
  try {
    if (!between) requireScratch(references, states)
    const notices = [...fleet.config.notices, ...sets.flatMap((set) => set.notices), ...ignoreNotices(fleet)]
    const targets = states.map(({ target }) => target)
    const prints = await readFingerprints(fleet, targets, scope, { stop: () => drain?.aborted === true })
    refuseInterrupted(drain)
    const groups = groupStates(states, prints, failures)
    const compared: HashGroup[] = []
    for (const group of groups) {
      compared.push(...(await hashGroups(group, { references, scope, between })))
      if (!between) notices.push(...(await versionNotices(group, prints, references)))
    }
    if (between) notices.push(...aloneNotices(groups))
    const { found, failures: unseen } = await compareHashes(fleet, compared, scope, () => drain?.aborted === true)
    refuseInterrupted(drain)
    failures.push(...unseen)
    const clusters = foldClusters(found)
    return {
      command: 'drift',
      ok: failures.length === 0 && clusters.every((cluster: DriftCluster) => cluster.reference),
      clusters,
      failures,
      behind: states.flatMap(({ target, behind }) => (behind ? [target.name] : [])).sort(),
      notices: onlyOnce(notices),
      durationMs: Math.round(performance.now() - startedAt),
    }
  } finally {
    await references.close()
  }
}

/** Throws SCRATCH_MISSING before anything is looked at. */
function requireScratch(references: References, states: readonly TargetState[]): void {
  try {
    for (const { recipe } of states) references.require(recipe.dialect)
  } catch (error) {
    if (!isTenantryError(error)) throw error
    const hint = `${error.hint ?? ''} Without one, \`drift --between\` compares targets with each other.`.trim()
    throw new TenantryError(error.code, error.message, { hint, context: error.context })
  }
}

function groupStates(
  states: readonly TargetState[],
  prints: ReadonlyMap<Target, Fingerprint>,
  failures: DriftReport['failures'][number][],
): StateGroup[] {
  const groups = new Map<string, StateGroup>()
  for (const state of states) {
    const print = prints.get(state.target)
    if (print === undefined) continue
    if ('error' in print) {
      failures.push({ target: state.target.name, error: print.error })
      continue
    }
    const group = groups.get(state.key) ?? { state, hashes: new Map<string, Target[]>() }
    groups.set(state.key, group)
    const same = group.hashes.get(print.hash)
    if (same === undefined) group.hashes.set(print.hash, [state.target])
    else same.push(state.target)
  }
  return [...groups.values()]
}

/** Each distinct schema of a group, with what it is compared with. */
async function hashGroups(
  { state, hashes }: StateGroup,
  { references, scope, between }: { references: References; scope: PictureScope; between: boolean },
): Promise<HashGroup[]> {
  const set = state.set
  const lists = [...hashes].map(([hash, targets]) => ({ hash, targets, set }))
  if (!between) {
    const reference = { picture: await references.picture(state.recipe, scope) }
    return lists.map((list) => ({ ...list, reference }))
  }
  // Of equally large ones the one that was listed first, so that the answer is the same every time.
  const largest = lists.reduce((most, list) => (list.targets.length > most.targets.length ? list : most))
  const reference = { target: largest.targets[0] as Target, hash: largest.hash }
  return lists.map((list) => ({ ...list, reference }))
}

function ignoreNotices({ config }: Fleet): Notice[] {
  return config.drift.ignore.map(({ kind, object, reason }) => ({
    rule: 'drift-ignored',
    message: `Not compared: ${kind ?? 'anything'} named like ${object} (${reason}).`,
  }))
}

/** Servers of another version write the same definition in other words, now and then. */
async function versionNotices(
  { state, hashes }: StateGroup,
  prints: ReadonlyMap<Target, Fingerprint>,
  references: References,
): Promise<Notice[]> {
  const own = await references.version(state.recipe.dialect)
  const all = [...hashes.values()].flat()
  const other = all.find((target) => {
    const print = prints.get(target)
    return print !== undefined && 'version' in print && Math.floor(print.version / 100) !== Math.floor(own / 100)
  })
  if (other === undefined) return []
  return [
    {
      rule: 'scratch-version',
      message: `The scratch server has another version than server "${other.placement.server}".`,
      hint: 'definitions can then look different without being so; name a scratch server of the same version',
    },
  ]
}

function aloneNotices(groups: readonly StateGroup[]): Notice[] {
  const alone = groups.filter(({ hashes }) => [...hashes.values()].flat().length === 1)
  return alone.map(({ state }) => ({
    rule: 'nothing-to-compare',
    message: `${state.target.name} is the only target at its state (${describeRecipe(state.recipe)}): there is nothing to compare it with.`,
  }))
}

function onlyOnce(notices: readonly Notice[]): Notice[] {
  return [...new Map(notices.map((notice) => [`${notice.rule} ${notice.message}`, notice])).values()]
}

function refuseInterrupted(drain: AbortSignal | undefined): void {
  if (drain?.aborted !== true) return
  throw new TenantryError('INTERRUPTED', 'Interrupted. Nothing is left half-done.', {
    hint: 'The same command starts over.',
  })
}
