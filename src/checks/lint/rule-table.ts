import type { Rule } from './rule.ts'
import { changedAfterApplied, ignoreUnknownRule, ignoreUnused, ignoreWithoutReason } from './rules/about-findings.ts'
import { checkScans, constraintBuildsIndex, foreignKeyScans, validatedAtOnce } from './rules/constraints.ts'
import { dataInSchemaChange, unbatchedChange } from './rules/data.ts'
import { publicNameMoves, publicNameStays } from './rules/default-schema.ts'
import { dropColumn, dropObject, dropTable, truncateTable } from './rules/destructive.ts'
import { enumLabelRemoved, enumLabelRenamed, enumLabelUsedAtOnce } from './rules/enums.ts'
import { dropIndexBlocks, indexBlocks, reindexBlocks } from './rules/indexes.ts'
import { missingIfNotExists, unclearName } from './rules/names.ts'
import { addNotNullWithoutDefault, setNotNull } from './rules/not-null.ts'
import { contractAlone } from './rules/phases.ts'
import { renameColumn, renameTable } from './rules/renames.ts'
import { changeType, rewriteTable, storedColumn, volatileDefault } from './rules/rewrites.ts'
import { roleChanged, searchPathSet, sessionStateLeft } from './rules/session.ts'
import { cannotRun, newerSyntax, syntaxError } from './rules/syntax.ts'
import { differsPerTenant, lockTable, tenantColumnMissing, tenantRows } from './rules/tenants.ts'
import { missingUndo } from './rules/undo.ts'

/** Every rule, in the order of `docs/rules.md`. To add one: write it in `rules/`, with examples, and name it here. */
export const rules: readonly Rule[] = [
  dropTable,
  dropColumn,
  dropObject,
  truncateTable,
  contractAlone,
  renameTable,
  renameColumn,
  addNotNullWithoutDefault,
  setNotNull,
  changeType,
  volatileDefault,
  storedColumn,
  rewriteTable,
  indexBlocks,
  dropIndexBlocks,
  reindexBlocks,
  constraintBuildsIndex,
  foreignKeyScans,
  checkScans,
  validatedAtOnce,
  enumLabelUsedAtOnce,
  enumLabelRemoved,
  enumLabelRenamed,
  lockTable,
  dataInSchemaChange,
  unbatchedChange,
  tenantColumnMissing,
  tenantRows,
  differsPerTenant,
  publicNameMoves,
  publicNameStays,
  searchPathSet,
  roleChanged,
  sessionStateLeft,
  missingUndo,
  unclearName,
  missingIfNotExists,
  syntaxError,
  newerSyntax,
  cannotRun,
  changedAfterApplied,
  ignoreWithoutReason,
  ignoreUnknownRule,
  ignoreUnused,
]

const byId: ReadonlyMap<string, Rule> = new Map(rules.map((rule) => [rule.id, rule]))

export function findRule(id: string): Rule | undefined {
  return byId.get(id)
}
