import type { FormatOptions } from '../model/format.ts'
import type { Body, Notice } from '../model/migration.ts'
import { isUnwritten } from './headers.ts'
import type { FolderEntry } from './list-folder.ts'
import { replacePlaceholders } from './placeholders.ts'
import type { Findings } from './problems.ts'
import { readTextFile } from './read-file.ts'

/**
 * An undo file with nothing in it is not an undo: it would take the migration out of the history and leave its tables.
 */
export async function readUndo(
  entry: FolderEntry,
  id: string,
  options: FormatOptions,
  findings: Findings,
): Promise<Body | null> {
  const file = await readTextFile(entry, findings.problems)
  if (file === null) return null
  if (isUnwritten(file.text)) {
    findings.notices.push(noteUnwritten(entry, id))
    return null
  }
  return { kind: 'sql', text: replacePlaceholders(file.text, options.placeholders), file: entry.shown }
}

/** What is said of an undo file with nothing in it. */
export function noteUnwritten({ shown }: FolderEntry, migration: string): Notice {
  return {
    rule: 'undo-not-written',
    message: `${shown} is empty, so ${migration} has no undo.`,
    hint: 'Write it; or, if there is nothing to undo, say so in a comment.',
    file: shown,
    migration,
  }
}
