/** Both directions of a file of SQL; each keeps the lines of the file, so that places stay those of the file. */
export interface SplitSql {
  up: string
  /** null: the file has no mark for an undo, and the tool refuses to undo it. */
  down: string | null
  /** There is a mark for an undo and none for the migration: the tool then takes the undo for a part of it. */
  upHoldsDown: boolean
}

/** Source: `getActions` in node-pg-migrate's `sqlMigration`. */
export function splitSql(text: string): SplitSql {
  const [up, down] = [findMark(text, 'up'), findMark(text, 'down')]
  const part = (start: number, other: number) => {
    const end = start < other ? other : text.length
    return blank(text.slice(0, start)) + withoutMark(text.slice(start, end))
  }
  return {
    up: up < 0 ? text : part(up, down),
    down: down < 0 ? null : part(down, up),
    upHoldsDown: up < 0 && down >= 0,
  }
}

function findMark(text: string, direction: 'up' | 'down'): number {
  return text.search(new RegExp(`^\\s*--[\\s-]*${direction}\\s+migration`, 'im'))
}

function blank(text: string): string {
  return text.replaceAll(/[^\n]/g, '')
}

/** The whole line of the mark is a comment. */
function withoutMark(text: string): string {
  return text.replace(/^\s*--.*/, (mark) => blank(mark))
}
