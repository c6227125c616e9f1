import { resolve } from 'node:path'
import { isRecord, textAt } from './record.ts'
import type { DataChangeRules } from './resolved.ts'

/** Reads `dataChanges`. Types are checked elsewhere; what is of a wrong one is passed over. */
export function readDataChanges(given: unknown, root: string): DataChangeRules {
  const rules = isRecord(given) ? given : {}
  const dir = textAt(rules, 'dir')
  const number = (key: string, fallback: number) => (typeof rules[key] === 'number' ? rules[key] : fallback)
  return {
    dir: resolve(root, dir ?? './data-changes'),
    dirGiven: dir !== undefined,
    chunkMs: number('chunkMs', 100),
    maxReplicaLagMs: number('maxReplicaLagMs', 10_000),
    healthQuery: textAt(rules, 'healthQuery') ?? null,
  }
}
