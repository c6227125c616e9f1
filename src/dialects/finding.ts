import type { Notice } from '../model/migration.ts'

/** Something to say about a file, before it is known which file it is. */
export type Finding = Pick<Notice, 'rule' | 'message' | 'hint' | 'line' | 'column' | 'detail'>
