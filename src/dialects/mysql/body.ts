/** Where the text of a stored program ends, told from its blocks: the semicolons in them end no statement. */
export interface BodyReader {
  /** Reads on. `word` is upper case, '' for what is quoted; punctuation is itself. */
  see(word: string): void
  /** A semicolon here ends the statement. */
  readonly closed: boolean
  /** Innermost block that is open, by the word it began with; null: none. */
  readonly open: string | null
}

export type BodyKind = 'PROCEDURE' | 'FUNCTION' | 'TRIGGER' | 'EVENT' | 'PACKAGE'

/** `expression` is a CASE that is no statement. */
interface Block {
  word: string
  expression: boolean
}

const openers = new Set(['BEGIN', 'IF', 'CASE', 'LOOP', 'WHILE', 'REPEAT', 'FOR'])
/** They may follow END. */
const afterEnd = new Set(['IF', 'CASE', 'LOOP', 'WHILE', 'REPEAT', 'FOR'])
const beginAtOnce = new Set(['BEGIN', 'LOOP', 'REPEAT'])
/** The first word of a body that is a single statement. */
const verbs = new Set(
  `RETURN SELECT INSERT UPDATE DELETE REPLACE SET CALL DO WITH SIGNAL RESIGNAL TRUNCATE DROP CREATE ALTER EXECUTE
  PREPARE DEALLOCATE RENAME GRANT REVOKE ANALYZE OPTIMIZE LOAD FLUSH LOCK UNLOCK START COMMIT ROLLBACK VALUES`.split(
    /\s+/,
  ),
)

/**
 * `head`: before the body. `choice`: the body (or the statement of a handler) begins once the words before it are over.
 * `begin`: a statement begins. `within`: in a statement.
 */
type Place = 'head' | 'choice' | 'begin' | 'within'

/**
 * Follows the words of a stored program from the one after its kind on.
 * @param kind what is made; null: a block that stands by itself (MariaDB), from its first word on
 */
export function readBody(kind: BodyKind | null): BodyReader {
  const blocks: Block[] = kind === 'PACKAGE' ? [{ word: 'PACKAGE', expression: false }] : []
  let place: Place = kind === null || kind === 'PACKAGE' ? 'begin' : 'head'
  let parentheses = 0
  let before = ''
  /** In `DECLARE … HANDLER FOR`. */
  let declaration: 'none' | 'any' | 'handler' = 'none'
  /** In the condition of UNTIL, which END follows without a semicolon. */
  let until = false
  /** The word before ended a block; the word before began a statement, or is its label. */
  let justEnded = false
  let justBegun = false
  /** `RETURN type AS`: the spelling of sql_mode=ORACLE. */
  let returnsOracle = false

  const top = () => blocks.at(-1)

  const endsHead = (word: string): boolean => {
    if (kind === 'TRIGGER') return before === 'EACH' && (word === 'ROW' || word === 'STATEMENT')
    if (parentheses > 0) return false
    return kind === 'EVENT' ? word === 'DO' : word === ')'
  }

  /** `PROCEDURE p AS a INT; BEGIN … END`: what stands between AS and BEGIN belongs to it. */
  const beginDeclarations = () => {
    blocks.push({ word: 'AS', expression: false })
    place = 'begin'
  }

  const open = (word: string) => {
    if (word === 'BEGIN' && top()?.word === 'AS') blocks.pop()
    blocks.push({ word, expression: word === 'CASE' && place === 'within' })
    place = beginAtOnce.has(word) ? 'begin' : 'within'
    declaration = 'none'
  }

  const close = () => {
    blocks.pop()
    place = 'within'
    justEnded = true
  }

  const begin = (word: string) => {
    if (word === 'END') close()
    else if (openers.has(word)) open(word)
    else if ((word === 'NOT' && before === 'BEGIN') || (word === 'ATOMIC' && before === 'NOT')) return
    else if (word !== 'ELSE') {
      place = 'within'
      declaration = word === 'DECLARE' ? 'any' : 'none'
      until = word === 'UNTIL'
      justBegun = true
    }
  }

  const choose = (word: string) => {
    // `RETURNS VARCHAR(9) CHARACTER SET latin1`, `RETURNS SET('a')`
    const isType = word === 'SET' && ['CHARACTER', 'CHAR', 'RETURNS'].includes(before)
    if ((word === 'AS' || word === 'IS') && blocks.length === 0) beginDeclarations()
    else if (openers.has(word)) open(word)
    else if (verbs.has(word) && !isType) place = 'within'
    if (word === 'RETURNS') returnsOracle = false
    if (word === 'RETURN' && kind === 'FUNCTION') returnsOracle = before === ')'
  }

  const goOn = (word: string) => {
    const block = top()
    if (word === 'CASE') blocks.push({ word, expression: true })
    else if (block?.expression) {
      if (word === 'END') blocks.pop()
    } else if (word === 'END' && until) close()
    else if (word === 'HANDLER' && declaration === 'any') declaration = 'handler'
    else if (word === 'FOR' && declaration === 'handler') place = 'choice'
    else if (word === 'THEN' || word === 'ELSE') place = 'begin'
    else if (word === 'DO' && (block?.word === 'WHILE' || block?.word === 'FOR')) place = 'begin'
    else if (word === 'BEGIN' && (before === 'AS' || before === 'IS')) open(word)
    else if (returnsOracle && blocks.length === 0 && (word === 'AS' || word === 'IS')) beginDeclarations()
  }

  const read = (word: string) => {
    if (word === ';') {
      place = 'begin'
      declaration = 'none'
      until = false
    } else if (place === 'head') {
      if (endsHead(word)) place = 'choice'
      else if ((word === 'AS' || word === 'IS') && parentheses === 0) beginDeclarations()
    } else if (place === 'choice') choose(word)
    else if (place === 'begin') {
      if (word === '' && before === 'AS' && top()?.word === 'AS') {
        // `LANGUAGE JAVASCRIPT AS '…'`
        blocks.pop()
        place = 'within'
      } else begin(word)
    } else goOn(word)
  }

  return {
    see(word) {
      const ended = justEnded
      const begun = justBegun
      justEnded = false
      justBegun = false
      if (word === '(') parentheses++
      else if (word === ')') parentheses--
      if (ended && afterEnd.has(word)) return
      if (begun && word === ':') place = 'begin'
      else read(word)
      before = word
    },
    get closed() {
      return blocks.length === 0
    },
    get open() {
      return top()?.word ?? null
    },
  }
}
