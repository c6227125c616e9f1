import { TenantryError } from '../model/errors.ts'
import type { Notice } from '../model/migration.ts'

/** One thing that makes a migrations folder unusable. All of a folder are collected before any is thrown. */
export interface FolderProblem {
  code: 'MIGRATIONS_UNREADABLE' | 'MIGRATION_DUPLICATE'
  message: string
  hint: string
  /** Paths relative to the project. */
  files: readonly string[]
}

/** What reading files brought to light. */
export interface Findings {
  problems: FolderProblem[]
  notices: Notice[]
}

/** One error for all problems; `context.problems` holds them one by one. Does nothing when there are none. */
export function throwProblems(problems: readonly FolderProblem[]): void {
  const [first] = problems
  if (first === undefined) return
  const code = problems.every((problem) => problem.code === first.code) ? first.code : 'MIGRATIONS_UNREADABLE'
  const files = [...new Set(problems.flatMap((problem) => problem.files))]
  const message =
    problems.length === 1
      ? first.message
      : `The migrations cannot be used; ${problems.length} problems:\n${problems.map((problem) => `- ${problem.message}`).join('\n')}`
  const hint = [...new Set(problems.map((problem) => problem.hint))].join('\n')
  throw new TenantryError(code, message, {
    hint,
    context: { ...(files.length === 1 && files[0] !== undefined ? { file: files[0] } : {}), files, problems },
  })
}
