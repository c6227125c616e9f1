import { TenantryError } from '../model/errors.ts'
import type { SetPlan } from '../model/plan.ts'
import type { Fleet, FleetSet } from '../rollout/fleet.ts'
import { ProofCache, proofKeys } from './proof-cache.ts'
import { kindOf } from './recipe.ts'

const shown = 10

/**
 * Undoing in many targets what nobody has tried is refused: each undo that is planned must be proved for exactly these
 * files. One target may be undone without, and so may any number where no scratch server is there to prove on: that is
 * said. null: go on.
 */
export function refuseUnproven(
  fleet: Fleet,
  stateDir: string,
  sets: readonly FleetSet[],
  plans: readonly SetPlan[],
  options: { allowDataLoss: boolean },
): TenantryError | null {
  const working = plans.flatMap(({ set, targets }) =>
    targets.filter(({ steps }) => steps.length > 0).map((plan) => ({ set, plan })),
  )
  if (new Set(working.map(({ plan }) => plan.target.name)).size < 2) return null
  if (fleet.config.scratch === null) {
    fleet.emit({
      type: 'notice',
      notice: {
        rule: 'undo-not-proved',
        message: `Nobody has tried out the undo that is carried out in ${working.length} targets.`,
        hint: "with `scratch: { server: 'main' }` in the config `tenantry prove` does, and `down` asks for the proof",
      },
    })
    return null
  }
  const cache = new ProofCache(stateDir)
  const { sharedSchema, provision } = fleet.config
  const { extensions } = provision
  const keysOf = new Map<string, ReturnType<typeof proofKeys>>()
  const found = new Map<string, { migration: string; why: string }>()
  for (const { set: name, plan } of working) {
    const set = sets.find(({ config }) => config.name === name) as FleetSet
    const kind = kindOf(plan.target, sharedSchema)
    const dialect = fleet.pool.dialect(plan.target.placement.server).name
    const about = JSON.stringify([name, kind, dialect])
    const keys = keysOf.get(about) ?? proofKeys(set, { dialect, kind, sharedSchema, extensions })
    keysOf.set(about, keys)
    for (const { migration } of plan.steps) {
      const key = `${about}\0${migration.id}`
      if (found.has(key)) continue
      const proof = cache.find(keys.get(migration) ?? '', null)
      const isGood = proof?.verdict === 'reversible' || (proof?.verdict === 'lossy' && options.allowDataLoss)
      if (isGood) continue
      const where = kind === 'schema' ? 'in a schema' : 'in a database'
      const why = proof === null ? `not proved ${where}` : `${proof.verdict} ${where}: ${proof.detail ?? ''}`
      found.set(key, { migration: migration.id, why })
    }
  }
  const unproven = [...found.values()]
  if (unproven.length === 0) return null
  const lines = unproven.slice(0, shown).map(({ migration, why }) => `  ${migration}: ${why}`)
  const more = unproven.length > shown ? [`  … and ${unproven.length - shown} more`] : []
  const onlyLossy = unproven.every(({ why }) => why.startsWith('lossy'))
  return new TenantryError(
    'UNPROVEN',
    `The undo of ${unproven.length === 1 ? 'a migration' : `${unproven.length} migrations`} in ${working.length} targets is not proved; nothing was touched:\n${[...lines, ...more].join('\n')}`,
    {
      hint: onlyLossy
        ? 'Rows that the migration took away do not come back. Add --allow-data-loss to go on without them, or --unproven.'
        : '`tenantry prove` tries undos out on the scratch server; one tenant can be undone without; --unproven goes on without proof.',
      context: { migrations: unproven.map(({ migration }) => migration) },
    },
  )
}
