/** What one direction of a file with sections says. */
export interface Section {
  /** As many lines as the file up to its last one, those of other sections empty: places stay those of the file. */
  text: string
  /** The section asks for no transaction. */
  noTransaction: boolean
}

/** A file in which a tool keeps a migration and its undo, taken apart. */
export interface Sections {
  up: Section
  /** null: the file has no such section. */
  down: Section | null
}

/** Why a tool would not take a file, as a sentence without its subject. */
export interface SectionFault {
  /** 1-based; null: the file as a whole. */
  line: number | null
  message: string
  hint: string
}

export function isFault(found: Sections | SectionFault): found is SectionFault {
  return 'message' in found
}

/** Lines of one direction, collected in their places. */
export class SectionLines {
  readonly #lines: string[] = []

  /** Puts a line to its place, which must come after those that are there. */
  set(index: number, line: string): void {
    while (this.#lines.length < index) this.#lines.push('')
    this.#lines.push(line)
  }

  /** The last line that holds more than white space, without a comment at its end; null: there is none. */
  lastCode(): string | null {
    for (let index = this.#lines.length - 1; index >= 0; index--) {
      const line = (this.#lines[index] ?? '').replace(/(^|\s)--.*$/, '').trim()
      if (line !== '') return line
    }
    return null
  }

  join(): string {
    const text = this.#lines.join('\n').trimEnd()
    return text === '' ? '' : `${text}\n`
  }
}

/** A semicolon at the end of a line, a comment aside: as goose and sql-migrate find the end of a statement. */
export function endsStatement(line: string): boolean {
  let last = ''
  for (const word of line.trim().split(/\s+/)) {
    if (word.startsWith('--')) break
    last = word
  }
  return last.endsWith(';')
}
