import type { DatabaseFailure } from '../../model/dialect.ts'

/** What the phrases around a migration refuse; the word comes back in the error. */
export const refusals = {
  locked: 'tenantry:locked',
  native: 'tenantry:native',
  already: 'tenantry:already',
  left: 'tenantry:left',
} as const

type Refusal = Pick<DatabaseFailure, 'kind' | 'message'>

const refusalKinds: Readonly<Record<string, Refusal>> = {
  [refusals.locked]: { kind: 'locked', message: 'the target is locked by another run' },
  [refusals.native]: { kind: 'native-locked', message: "the migration tool's own lock is held" },
  [refusals.already]: { kind: 'already-applied', message: 'the history changed under the lock' },
  [refusals.left]: { kind: 'left-transaction', message: 'the migration ended the transaction it ran in' },
}

/**
 * An expression that is 0, or an error that holds the word. A plain statement cannot raise an error of its own choosing
 * (SIGNAL works in routines only); so a number is made too large for its type (1690), which every version since MySQL
 * 5.5 refuses with the expression in the message. The condition is inside, so that nothing is constant and worked out
 * beforehand.
 */
export function refuseUnless(condition: string, refusal: string): string {
  return `LENGTH('${refusal}') * ~IF(${condition}, -1, 0)`
}

/** Which refusal an error 1690 is; undefined: a migration's own. */
export function refusalOf(message: string, statement: string | undefined): Refusal | undefined {
  const word = /tenantry:\w+/.exec(message) ?? /(?<=LENGTH\(')tenantry:\w+(?='\) \* ~IF\()/.exec(statement ?? '')
  return refusalKinds[word?.[0] ?? '']
}
