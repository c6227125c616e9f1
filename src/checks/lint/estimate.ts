import type { LintAssumptions } from '../../model/lint.ts'
import type { StepCost } from '../../model/statement-facts.ts'
import type { TableSize } from '../../model/table-sizes.ts'

const mebibyte = 1024 * 1024

/**
 * What a middling cloud disk and one core of the server do, with nobody else at work: not measured there. Servers differ
 * by a factor of ten; the order of tenants and tables is what can be relied on.
 */
export const assumed: LintAssumptions = {
  /** Reading rows that are not in memory. */
  scanBytesPerSecond: 200 * mebibyte,
  /** Writing a table and all of its indexes again, with the log of it. */
  rewriteBytesPerSecond: 50 * mebibyte,
  /** Sorting rows and writing one index. */
  buildRowsPerSecond: 500_000,
}

/** For tables of whose rows nothing is known. */
const bytesPerRow = 100

/** How long a statement takes in a table of this size, in milliseconds. Waiting for its lock is not in it. */
export function estimateMs(work: StepCost['work'], { rows, bytes, indexBytes }: TableSize): number {
  const { scanBytesPerSecond, rewriteBytesPerSecond, buildRowsPerSecond } = assumed
  const scan = bytes / scanBytesPerSecond
  switch (work) {
    case 'moment':
      return 0
    case 'scan':
      return Math.round(scan * 1000)
    case 'build':
      return Math.round((scan + (rows ?? bytes / bytesPerRow) / buildRowsPerSecond) * 1000)
    case 'rewrite':
      return Math.round(((bytes + indexBytes) / rewriteBytesPerSecond) * 1000)
  }
}
