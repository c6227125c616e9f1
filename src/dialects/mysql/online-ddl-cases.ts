/** How a server carries out a change of a table: `INSTANT` touches no row, `INPLACE` lets others write, `COPY` does not. */
export type Algorithm = 'INSTANT' | 'INPLACE' | 'COPY'

/** What an action costs, as the manuals have it for InnoDB. */
export interface OnlineCase {
  /** `adds a column`. */
  what: string
  algorithm: Algorithm
  /** Others may write meanwhile (`LOCK=NONE`). */
  writable: boolean
  /** First versions in which it is so; before, or absent where it always was: `INPLACE` at best. */
  since?: string
  /** Where it may be otherwise. */
  unless?: string
}

/**
 * MySQL 8.4 manual, 17.12.1 "Online DDL Operations"; MariaDB, "InnoDB Online DDL Operations with the INSTANT (NOCOPY,
 * INPLACE) Alter Algorithm". Where they differ, the slower one stands here, or `unless` says so.
 */
export const onlineCases = {
  'add-column': {
    what: 'adds a column at the end',
    algorithm: 'INSTANT',
    writable: true,
    since: 'MySQL 8.0.12, MariaDB 10.3',
  },
  'add-column-within': {
    what: 'adds a column between others',
    algorithm: 'INSTANT',
    writable: true,
    since: 'MySQL 8.0.29, MariaDB 10.4',
  },
  'add-column-auto-increment': { what: 'adds an AUTO_INCREMENT column', algorithm: 'INPLACE', writable: false },
  'add-column-stored': { what: 'adds a stored generated column', algorithm: 'COPY', writable: false },
  'add-column-virtual': { what: 'adds a virtual column', algorithm: 'INSTANT', writable: true },
  'drop-column': {
    what: 'drops a column',
    algorithm: 'INSTANT',
    writable: true,
    since: 'MySQL 8.0.29, MariaDB 10.4',
    unless: 'it is in an index',
  },
  'rename-column': { what: 'renames a column', algorithm: 'INPLACE', writable: true },
  'change-column': {
    what: 'redefines a column',
    algorithm: 'COPY',
    writable: false,
    unless: 'its type stays or only gets longer (a VARCHAR within 255 bytes, an ENUM with labels added at the end)',
  },
  'set-default': { what: 'changes the default of a column', algorithm: 'INSTANT', writable: true },
  'add-index': { what: 'adds an index', algorithm: 'INPLACE', writable: true },
  'add-fulltext': {
    what: 'adds a FULLTEXT index',
    algorithm: 'INPLACE',
    writable: false,
    unless: 'it is the first of the table, which is rebuilt for it',
  },
  'add-spatial': { what: 'adds a SPATIAL index', algorithm: 'INPLACE', writable: false },
  'drop-index': { what: 'drops an index', algorithm: 'INPLACE', writable: true },
  'rename-index': { what: 'renames an index', algorithm: 'INPLACE', writable: true },
  'alter-index': { what: 'changes whether an index is used', algorithm: 'INPLACE', writable: true },
  'add-primary-key': {
    what: 'adds a primary key (the table is rebuilt)',
    algorithm: 'INPLACE',
    writable: true,
    unless: 'its columns may be null',
  },
  'drop-primary-key': {
    what: 'drops the primary key',
    algorithm: 'COPY',
    writable: false,
    unless: 'another one is added in the same statement',
  },
  'add-foreign-key': {
    what: 'adds a foreign key',
    algorithm: 'COPY',
    writable: false,
    unless: 'foreign_key_checks is off',
  },
  'drop-foreign-key': { what: 'drops a foreign key', algorithm: 'INPLACE', writable: true },
  'add-check': { what: 'adds a CHECK', algorithm: 'COPY', writable: false },
  'drop-check': { what: 'drops a constraint', algorithm: 'INPLACE', writable: true },
  'rename-table': { what: 'renames the table', algorithm: 'INPLACE', writable: true },
  'convert-charset': { what: 'converts the character set', algorithm: 'COPY', writable: false },
  'default-charset': { what: 'changes the default character set', algorithm: 'INPLACE', writable: true },
  rebuild: { what: 'rebuilds the table', algorithm: 'INPLACE', writable: true },
  engine: {
    what: 'changes the storage engine (the table is rebuilt)',
    algorithm: 'COPY',
    writable: false,
    unless: 'it is InnoDB already',
  },
  'table-option': { what: 'changes an option of the table', algorithm: 'INPLACE', writable: true },
  'order-by': { what: 'sorts the table', algorithm: 'COPY', writable: false },
  'add-partition': { what: 'adds a partition', algorithm: 'INPLACE', writable: false },
  'drop-partition': { what: 'drops a partition', algorithm: 'INPLACE', writable: false },
  repartition: { what: 'partitions the table anew', algorithm: 'COPY', writable: false },
  'system-versioning': { what: 'changes system versioning', algorithm: 'COPY', writable: false },
} as const satisfies Record<string, OnlineCase>

export type OnlineCaseName = keyof typeof onlineCases
