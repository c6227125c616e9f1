import type { StepCost } from '../../model/statement-facts.ts'

/**
 * Locks by what takes them: PostgreSQL manual, 13.3.1 "Table-Level Locks", and the notes of ALTER TABLE and
 * CREATE INDEX.
 */
export const costs = {
  brief: { lock: 'ACCESS EXCLUSIVE', blocks: 'everything', work: 'moment' },
  scanAll: { lock: 'ACCESS EXCLUSIVE', blocks: 'everything', work: 'scan' },
  buildAll: { lock: 'ACCESS EXCLUSIVE', blocks: 'everything', work: 'build' },
  rewrite: { lock: 'ACCESS EXCLUSIVE', blocks: 'everything', work: 'rewrite' },
  index: { lock: 'SHARE', blocks: 'writes', work: 'build' },
  concurrentIndex: { lock: 'SHARE UPDATE EXCLUSIVE', blocks: 'nothing', work: 'build' },
  concurrentDrop: { lock: 'SHARE UPDATE EXCLUSIVE', blocks: 'nothing', work: 'moment' },
  foreignKey: { lock: 'SHARE ROW EXCLUSIVE', blocks: 'writes', work: 'scan' },
  foreignKeyLater: { lock: 'SHARE ROW EXCLUSIVE', blocks: 'writes', work: 'moment' },
  validate: { lock: 'SHARE UPDATE EXCLUSIVE', blocks: 'nothing', work: 'scan' },
  refreshBeside: { lock: 'EXCLUSIVE', blocks: 'writes', work: 'rewrite' },
} as const satisfies Record<string, StepCost>

/** Modes of LOCK TABLE, as the parser counts them from 1. */
const lockModes = [
  'ACCESS SHARE',
  'ROW SHARE',
  'ROW EXCLUSIVE',
  'SHARE UPDATE EXCLUSIVE',
  'SHARE',
  'SHARE ROW EXCLUSIVE',
  'EXCLUSIVE',
  'ACCESS EXCLUSIVE',
]

export function costOfMode(mode: number): StepCost {
  const blocks = mode === 8 ? 'everything' : mode >= 5 ? 'writes' : 'nothing'
  return { lock: lockModes[mode - 1] ?? 'ACCESS EXCLUSIVE', blocks, work: 'moment' }
}
