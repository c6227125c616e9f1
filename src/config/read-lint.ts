import { isRecord, textAt } from './record.ts'
import type { LintConfigResolved } from './resolved.ts'

/** Reads `lint`. Types are checked elsewhere; what is of a wrong one is passed over. */
export function readLint(given: unknown): LintConfigResolved {
  const lint = isRecord(given) ? given : {}
  return {
    pgVersion: typeof lint.pgVersion === 'number' ? lint.pgVersion : null,
    after: textAt(lint, 'after') ?? null,
    squawk: lint.squawk !== false,
  }
}
