import type { Connection } from '../model/dialect.ts'
import type { Standing } from '../model/plan.ts'
import { applyCode } from './apply-code.ts'
import { applyPack } from './apply-pack.ts'
import { applySequence, countSequence } from './apply-sequence.ts'
import { applySteps } from './apply-steps.ts'
import type { Supervision } from './supervise.ts'
import type { CompiledStep, StepsOutcome, TargetWork } from './work.ts'

/** As many steps as fit one round trip, or the next one alone, in the way that suits them. */
export async function carryOutNext(
  work: TargetWork,
  connection: Connection,
  standing: Standing,
  compiled: readonly CompiledStep[],
  supervision: Supervision,
): Promise<StepsOutcome> {
  const { server, database } = work.target.placement
  const [first] = compiled
  if (first === undefined) return { finished: 0, failure: null }
  const { transactionalDdl } = work.dialect.features
  // What is half-done goes on from where it stopped, also when its file now fits one transaction.
  const begun = new Set(standing.halfDone.map(({ migration }) => migration))
  const alike = takeWhile(compiled, ({ direction }) => direction === first.direction)
  const codes = takeWhile(alike, ({ script }) => script.mode === 'code')
  const fresh = takeWhile(alike, ({ migration }) => !begun.has(migration.id))
  const pack = transactionalDdl
    ? fresh.slice(0, countPack(work, fresh))
    : fresh.slice(0, await countSequence(connection, fresh))
  const apply = codes.length > 0 ? applyCode : transactionalDdl ? applyPack : applySequence
  const together = codes.length > 0 ? codes : pack
  if (together.length === 0) return applySteps(work, connection, first, supervision)
  supervision.pause()
  return work.pool.gate(server, database).runShared(async () => {
    work.cancel.throwIfAborted()
    supervision.resume()
    return apply(work, connection, standing, together, supervision)
  })
}

/** Steps that are each one transaction; of one transaction for all, up to what must be committed to be of use. */
function countPack({ oneTransaction }: TargetWork, steps: readonly CompiledStep[]): number {
  const { length } = takeWhile(steps, ({ script }) => script.mode === 'transaction')
  const commit = oneTransaction ? steps.findIndex(({ script }) => script.mustCommit === true) : -1
  return commit === -1 ? length : Math.min(length, commit + 1)
}

function takeWhile(steps: readonly CompiledStep[], isOne: (step: CompiledStep) => boolean): readonly CompiledStep[] {
  const end = steps.findIndex((step) => !isOne(step))
  return end === -1 ? steps : steps.slice(0, end)
}
