/** What a format or a dialect of one's own is built from: docs/add-a-format.md, docs/add-a-dialect.md. */
export { type Checksums, checksumText } from './formats/checksums.ts'
export { type Headers, isUnwritten, readHeaders } from './formats/headers.ts'
export { historyShape } from './formats/history-shapes.ts'
export { type FolderEntry, listFolder } from './formats/list-folder.ts'
export { readPhase } from './formats/phase.ts'
export { replacePlaceholders } from './formats/placeholders.ts'
export { type Findings, type FolderProblem, throwProblems } from './formats/problems.ts'
export { type FileText, readTextFile } from './formats/read-file.ts'
export { readInBatches } from './formats/read-in-batches.ts'
export { readUndo } from './formats/read-undo.ts'
export { describeName, formatStamp, makeSlug } from './formats/slug.ts'
export { loadDialect } from './load-dialect.ts'
export type { AddedDialect } from './model/added-dialect.ts'
export {
  type Connection,
  type ConnectOptions,
  DatabaseError,
  type DatabaseFailure,
  type Dialect,
  type DialectFeatures,
  type PipelineOutcome,
  type TargetLock,
} from './model/dialect.ts'
export { isTenantryError, TenantryError } from './model/errors.ts'
export type { Format, FormatOptions, LoadedMigrations, TemplateFile } from './model/format.ts'
export type { ColumnType, HistoryColumn, HistoryShape, NewHistoryRow } from './model/history.ts'
export type { Body, Migration, Notice } from './model/migration.ts'
export type { Phrases } from './model/phrases.ts'
export { Secret } from './model/secret.ts'
export type { DialectName, ServerAddress, TlsSettings } from './model/server.ts'
