import { comparePictures } from '../engine/compare-pictures.ts'
import type { DriftReport } from '../model/check-report.ts'
import { DatabaseError } from '../model/dialect.ts'
import type { ErrorDocument } from '../model/errors.ts'
import type { PictureScope, SchemaPicture } from '../model/picture.ts'
import type { Target } from '../model/tenant.ts'
import type { Fleet } from '../rollout/fleet.ts'
import { runBounded } from '../rollout/schedule.ts'
import type { FoundGroup } from './clusters.ts'
import { goneError, lookError } from './fingerprints.ts'

/** Targets with one hash, and what they should equal: a picture, or another target's schema. */
export interface HashGroup {
  set: string
  hash: string
  targets: readonly Target[]
  reference: { picture: SchemaPicture } | { target: Target; hash: string }
}

/**
 * How each distinct schema differs from its reference: one of its targets is looked at, in whole, and speaks for the
 * others. Schemas that have their reference's hash are not looked at.
 */
export async function compareHashes(
  fleet: Fleet,
  groups: readonly HashGroup[],
  scope: PictureScope,
  stop: () => boolean,
): Promise<{ found: FoundGroup[]; failures: DriftReport['failures'][number][] }> {
  const found: FoundGroup[] = []
  const failures: DriftReport['failures'][number][] = []
  const models = new Map<Target, Promise<SchemaPicture | { error: ErrorDocument }>>()
  const add = ({ set, targets }: HashGroup, differences: FoundGroup['differences']) =>
    void found.push({
      set,
      names: targets.map(({ name }) => name),
      differences,
      reference: differences.length === 0,
    })
  const refuse = ({ targets }: HashGroup, error: ErrorDocument) => {
    for (const { name } of targets) failures.push({ target: name, error })
  }
  const hashOf = ({ reference }: HashGroup) => ('picture' in reference ? reference.picture.hash : reference.hash)
  const others = groups.filter((group) => group.hash !== hashOf(group))
  for (const group of groups) if (!others.includes(group)) add(group, [])
  /** Another target's schema is looked at once, however many differ from it. */
  const modelOf = ({ reference }: HashGroup) => {
    if ('picture' in reference) return Promise.resolve(reference.picture)
    const model = models.get(reference.target) ?? describeTarget(fleet, reference.target, scope)
    models.set(reference.target, model)
    return model
  }
  await runBounded(
    others,
    ({ targets }) => (targets[0] as Target).placement,
    fleet.limits,
    async (group) => {
      const model = await modelOf(group)
      if ('error' in model) return refuse(group, model.error)
      const seen = await describeTarget(fleet, group.targets[0] as Target, scope)
      if ('error' in seen) return refuse(group, seen.error)
      add(group, comparePictures(model, seen))
    },
    stop,
    ({ server, database }) => void fleet.pool.closeDatabase(server, database),
  )
  return { found, failures }
}

/** A target's schema in whole; or why it could not be looked at. */
export async function describeTarget(
  { pool }: Fleet,
  target: Target,
  scope: PictureScope,
): Promise<SchemaPicture | { error: ErrorDocument }> {
  const { server, database, schema } = target.placement
  try {
    const lease = await pool.lease(server, database)
    try {
      const picture = await pool.dialect(server).pictures.describe(lease.connection, schema ?? null, scope)
      return picture ?? { error: goneError(target) }
    } finally {
      await lease.release()
    }
  } catch (error) {
    if (error instanceof DatabaseError) return { error: lookError(error, target) }
    throw error
  }
}
