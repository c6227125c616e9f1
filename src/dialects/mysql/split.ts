import type { Finding } from '../finding.ts'
import { indexLines, type LineIndex } from '../line-index.ts'
import { type BodyKind, type BodyReader, readBody } from './body.ts'
import { isClientCommand, refuseCommand } from './client-commands.ts'
import { endOfComment, endOfOpening, endOfQuote, nextToken, type Token, type Unterminated } from './lex.ts'

/** One statement of a file: string offsets of its first character and past its last one; no delimiter, no outer comments. */
export interface StatementRange {
  start: number
  end: number
}

export interface SplitFile {
  statements: readonly StatementRange[]
  /** Comments outside of statements. */
  comments: readonly StatementRange[]
  lines: LineIndex
  /** What the server could never be sent. */
  problems: readonly Finding[]
}

const bodyKinds = new Set(['PROCEDURE', 'FUNCTION', 'TRIGGER', 'EVENT', 'PACKAGE'])
/** What else CREATE and ALTER may make, and words that no body follows. */
const otherKinds = new Set(
  `TABLE VIEW DATABASE SCHEMA INDEX UNIQUE FULLTEXT SPATIAL USER ROLE SERVER TABLESPACE LOGFILE UNDO SEQUENCE TEMPORARY
  RESOURCE LIBRARY VECTOR INSTANCE ONLINE OFFLINE IGNORE`.split(/\s+/),
)
/** Blocks that MariaDB takes outside of stored programs. */
const bareBlocks = new Set(['IF', 'CASE', 'LOOP', 'WHILE', 'REPEAT', 'FOR'])

const commandWord = /[ \t]*([A-Za-z]+)(?![\w$\u0080-\uffff])/y
const delimiterCommand = /delimiter(?:[ \t]+([^\n]*)|(?=\r?\n|$))/iy
/** DELIMITER in the middle of a statement: only where nothing of SQL can be meant (`DELIMITER ;`, `DELIMITER $$`). */
const sureDelimiter = /[ \t]*delimiter[ \t]+[^\w\s"'`(),.=*+]+[ \t\r]*(?:\n|$)/iy
/** What the quick way through a plain statement has to stop at. A new line counts where DELIMITER may follow. */
const special = /['"`#;\\]|--|\/\*|\n(?=[ \t]*delimiter[ \t])/gi

function test(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at
  return pattern.exec(text)
}

/** Walks through a file once. */
class Splitter {
  readonly #text: string
  readonly #lines: LineIndex
  readonly #statements: StatementRange[] = []
  readonly #comments: StatementRange[] = []
  readonly #problems: Finding[] = []
  #delimiter = ';'
  #special = special
  #at = 0

  constructor(text: string) {
    this.#text = text
    this.#lines = indexLines(text)
  }

  split(): SplitFile {
    while (this.#at < this.#text.length) this.#readStatement()
    const problems = this.#problems
    return { statements: this.#statements, comments: this.#comments, lines: this.#lines, problems }
  }

  #readStatement(): void {
    const text = this.#text
    const start = this.#skipGap()
    this.#at = start
    if (start >= text.length) return
    const command = test(delimiterCommand, text, start)
    if (command) {
      this.#setDelimiter(start, command)
      return
    }
    if (text.startsWith(this.#delimiter, start)) {
      this.#at = start + this.#delimiter.length
      return
    }
    if (text[start] === ';') {
      this.#at = start + 1
      return
    }
    const word = test(commandWord, text, start)?.[1] ?? ''
    if (isClientCommand(word)) {
      this.#refuseLine(start, word)
      return
    }
    this.#findEnd(start)
  }

  /** White space and comments; gives where a statement begins. */
  #skipGap(): number {
    const text = this.#text
    for (let at = this.#at; ; ) {
      while (at < text.length && text.charCodeAt(at) <= 32) at++
      // The client takes `--` for a comment at the beginning of a statement, whatever follows.
      const bare = text.startsWith('--', at) && !text.startsWith(this.#delimiter, at)
      const newLine = bare ? text.indexOf('\n', at) : -1
      const end = bare ? (newLine === -1 ? text.length : newLine) : endOfComment(text, at)
      if (end === 0 || (text.startsWith(this.#delimiter, at) && this.#delimiter !== ';')) return at
      if (end === -1) {
        this.#refuseUnterminated({ what: 'comment', start: at })
        return text.length
      }
      this.#comments.push({ start: at, end })
      at = end
    }
  }

  #setDelimiter(start: number, command: RegExpExecArray): void {
    this.#at = start + command[0].length
    const written = (command[1] ?? '').trim()
    const quoted = /^(['"`])(.+?)\1/.exec(written)
    const delimiter = quoted?.[2] ?? /^\S*/.exec(written)?.[0] ?? ''
    if (delimiter === '' || delimiter.includes('\\')) {
      const place = this.#lines.place(start)
      const why = delimiter === '' ? 'names no delimiter' : 'names a delimiter with a backslash'
      this.#problems.push({
        rule: 'delimiter',
        message: `DELIMITER ${why} (line ${place.line})`,
        hint: 'write DELIMITER // or DELIMITER ;',
        ...place,
      })
      return
    }
    this.#delimiter = delimiter
    if (delimiter === ';') this.#special = special
    else {
      const first = delimiter.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
      this.#special = new RegExp(`${special.source}|${first}`, 'gi')
    }
  }

  #refuseLine(start: number, command: string): void {
    const end = this.#text.indexOf('\n', start)
    this.#at = end === -1 ? this.#text.length : end
    this.#problems.push(refuseCommand(command, this.#lines.place(start)))
  }

  #refuseUnterminated({ what, start }: Unterminated): void {
    const place = this.#lines.place(start)
    const close = { string: 'its closing quote', identifier: 'its closing backtick', comment: '*/' }[what]
    this.#problems.push({
      rule: 'unterminated',
      message: `the ${what} that begins in line ${place.line}, column ${place.column} never ends`,
      hint: `add ${close}`,
      ...place,
    })
    this.#at = this.#text.length
  }

  #push(start: number, end: number, next: number): void {
    this.#at = next
    if (end > start) this.#statements.push({ start, end })
  }

  /** Reads the head word by word; then quickly, unless blocks have to be followed. */
  #findEnd(start: number): void {
    const head = this.#readHead(start)
    if (head === null) return
    if (head.body === null) this.#findPlainEnd(start, head.at)
    else this.#findBodyEnd(start, head.at, head.body)
  }

  /** null: it ended, or something in it does not. */
  #readHead(start: number): { at: number; body: BodyReader | null } | null {
    let at = start
    let first = ''
    let before = ''
    for (;;) {
      const token = nextToken(this.#text, at, this.#text.length)
      if (token === null) return { at: start, body: null }
      if ('what' in token) return { at: start, body: null }
      if (token.type === 'open' || token.type === 'close') {
        at = token.end
        continue
      }
      const word = token.type === 'word' ? this.#text.slice(token.start, token.end).toUpperCase() : ''
      const isName = before === '=' || before === '@'
      if (first === '') {
        first = word
        if (bareBlocks.has(word)) return { at: token.start, body: readBody(null) }
        if (!['CREATE', 'ALTER', 'BEGIN'].includes(word)) return { at: start, body: null }
      } else if (first === 'BEGIN') {
        return word === 'NOT' ? { at: start, body: readBody(null) } : { at: start, body: null }
      } else if (token.type === 'punctuation' && this.#text[token.start] === ';') return { at: start, body: null }
      else if (!isName && bodyKinds.has(word) && (first === 'CREATE' || word === 'EVENT')) {
        return { at: token.end, body: readBody(word as BodyKind) }
      } else if (!isName && (otherKinds.has(word) || bodyKinds.has(word))) return { at: start, body: null }
      before = token.type === 'punctuation' ? this.#text.slice(token.start, token.end) : word
      at = token.end
    }
  }

  #findPlainEnd(start: number, from: number): void {
    const text = this.#text
    const pattern = new RegExp(this.#special.source, 'gi')
    let at = from
    /** Of the comments that nothing has followed so far. */
    let trailing = -1
    let trailingEnd = -1
    let versioned = 0
    const isTrailing = (end: number) => trailing !== -1 && text.slice(trailingEnd, end).trim() === ''
    const finish = (end: number, next: number) => {
      let last = isTrailing(end) ? trailing : end
      while (last > start && text.charCodeAt(last - 1) <= 32) last--
      this.#push(start, last, next)
    }
    for (;;) {
      pattern.lastIndex = at
      const found = pattern.exec(text)
      if (found === null) {
        finish(text.length, text.length)
        return
      }
      const place = found.index
      at = place + 1
      if (place >= versioned) versioned = 0
      const closesComment = place === versioned - 1
      if (text.startsWith(this.#delimiter, place) && !closesComment) {
        if (versioned === 0 || this.#delimiter !== ';') {
          finish(place, place + this.#delimiter.length)
          return
        }
        continue
      }
      switch (found[0]) {
        case "'":
        case '"':
        case '`': {
          at = endOfQuote(text, place)
          if (at === -1) {
            const what = found[0] === '`' ? 'identifier' : 'string'
            this.#refuseUnterminated({ what, start: place })
            return
          }
          break
        }
        case ';':
          if (versioned === 0) {
            finish(place, place + 1)
            return
          }
          break
        case '\n':
          if (test(sureDelimiter, text, at)) {
            finish(place, at)
            return
          }
          break
        case '\\':
          at = this.#passBackslash(place)
          break
        case '#':
        case '--':
        case '/*': {
          const opening = endOfOpening(text, place)
          const end = endOfComment(text, place)
          if (end === -1) {
            this.#refuseUnterminated({ what: 'comment', start: place })
            return
          }
          if (end > 0) {
            if (!isTrailing(place)) trailing = place
            trailingEnd = end
            at = end
          } else if (opening !== -1) {
            const close = this.#endOfVersioned(opening)
            if (close === -1) {
              this.#refuseUnterminated({ what: 'comment', start: place })
              return
            }
            versioned = Math.max(versioned, close)
            at = opening
          }
          break
        }
      }
    }
  }

  /** Position past the mark that closes a versioned comment; -1: there is none. */
  #endOfVersioned(from: number): number {
    for (let at = from; ; ) {
      const token = nextToken(this.#text, at, this.#text.length)
      if (token === null || 'what' in token) return -1
      if (token.type === 'close') return token.end
      at = token.end
    }
  }

  /** `\N` is NULL; any other backslash outside of quotes is a command of the client. */
  #passBackslash(place: number): number {
    const command = this.#text.slice(place, place + 2)
    if (command === '\\N') return place + 2
    this.#problems.push(refuseCommand(command, this.#lines.place(place)))
    return place + Math.max(1, command.length)
  }

  #findBodyEnd(start: number, from: number, body: BodyReader): void {
    const text = this.#text
    let at = from
    let end = from
    for (;;) {
      const token = this.#nextInBody(at)
      if (token === 'delimiter') {
        this.#push(start, end, this.#at)
        return
      }
      if (token === null) {
        this.#push(start, end, text.length)
        if (!body.closed) this.#refuseOpenBody(start, body.open ?? '')
        return
      }
      if ('what' in token) {
        this.#refuseUnterminated(token)
        return
      }
      const written = text.slice(token.start, token.end)
      if (written === ';' && body.closed) {
        this.#push(start, end, token.end)
        return
      }
      if (written === '\\') this.#passBackslash(token.start)
      if (token.type === 'word' || token.type === 'punctuation') body.see(written.toUpperCase())
      else if (token.type !== 'open' && token.type !== 'close') body.see('')
      at = token.end
      end = token.end
    }
  }

  /** `delimiter`: the file's own delimiter, or a line that changes it, stands before the next token. */
  #nextInBody(at: number): Token | Unterminated | 'delimiter' | null {
    const text = this.#text
    const own = this.#delimiter === ';' ? null : this.#delimiter
    let place = at
    for (;;) {
      for (; place < text.length && text.charCodeAt(place) <= 32; place++) {
        if (text[place] !== '\n' || !test(sureDelimiter, text, place + 1)) continue
        this.#at = place + 1
        return 'delimiter'
      }
      if (own !== null && text.startsWith(own, place)) {
        this.#at = place + own.length
        return 'delimiter'
      }
      const comment = endOfComment(text, place)
      if (comment === -1) return { what: 'comment', start: place }
      if (comment === 0) break
      place = comment
    }
    const token = nextToken(text, place, text.length)
    if (own === null || token === null || 'what' in token || token.type !== 'word') return token
    // `END$$`: a dollar sign can be part of a name.
    const cut = text.slice(token.start, token.end).indexOf(own)
    return cut === -1 ? token : { ...token, end: token.start + cut }
  }

  #refuseOpenBody(start: number, block: string): void {
    const place = this.#lines.place(start)
    this.#problems.push({
      rule: 'unterminated',
      message: `the stored program that begins in line ${place.line} never ends: its ${block} has no END`,
      hint: 'add the END that is missing, or put the program between DELIMITER // and //',
      ...place,
    })
  }
}

/**
 * Splits a file as the mysql client would, and takes stored programs without DELIMITER as well, as drivers are sent
 * them: their semicolons belong to them. A semicolon inside a versioned comment ends nothing. What belongs to the client
 * (`source`, `\G`) is refused. Backslashes are read as without NO_BACKSLASH_ESCAPES. Never throws.
 *
 * @param text without a byte order mark
 */
export function splitFile(text: string): SplitFile {
  return new Splitter(text).split()
}
