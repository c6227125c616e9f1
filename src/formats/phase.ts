import type { MigrationPhase } from '../model/migration.ts'
import { readLeadingComments } from './headers.ts'
import type { FolderProblem } from './problems.ts'

const kinds = ['expand', 'migrate', 'contract'] as const

/**
 * Reads `-- tenantry:phase expand|migrate|contract of <change>` from the comments at the top of a file (`//` in code).
 * One that cannot be read is a problem: passed over, it would let a contract step run too early.
 */
export function readPhase(text: string, file: string, problems: FolderProblem[]): { phase?: MigrationPhase } {
  const found: MigrationPhase[] = []
  for (const line of readLeadingComments(text)) {
    const words = /^tenantry:phase\b(.*)$/i.exec(line)?.[1]
    if (words === undefined) continue
    const parts = /^\s+(\S+)\s+of\s+([A-Za-z0-9][\w.-]*)\s*$/.exec(words)
    const kind = kinds.find((name) => name === parts?.[1]?.toLowerCase())
    if (kind !== undefined && parts?.[2] !== undefined) found.push({ kind, change: parts[2] })
    else
      problems.push({
        code: 'MIGRATIONS_UNREADABLE',
        message: `${file}: "tenantry:phase${words.slice(0, 80)}" says no phase.`,
        hint: 'Write `tenantry:phase expand of <change>` (or `migrate`, `contract`), with one word for the change.',
        files: [file],
      })
  }
  const [phase, another] = found
  if (another !== undefined) {
    problems.push({
      code: 'MIGRATIONS_UNREADABLE',
      message: `${file} is marked with two phases.`,
      hint: 'A migration belongs to one phase of one change: split it.',
      files: [file],
    })
  }
  return phase === undefined ? {} : { phase }
}
