import { TenantryError } from '../model/errors.ts'
import type { ThrownReport } from '../model/thrown.ts'

/** CONFIG_INVALID for it; `file` is where it happened. */
export function makeThrownError(
  what: string,
  { message, line, column }: ThrownReport,
  file: string | null,
): TenantryError {
  const at = line === undefined ? '' : ` at line ${line}${column === undefined ? '' : `, column ${column}`}`
  return new TenantryError('CONFIG_INVALID', `${what}${at}: ${message}`, {
    hint: 'Nothing was connected to. Correct it and run the command again.',
    context: {
      ...(file === null ? {} : { file }),
      ...(line === undefined ? {} : { line }),
      ...(column === undefined ? {} : { column }),
    },
  })
}
