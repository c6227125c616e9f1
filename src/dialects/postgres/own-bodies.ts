import { parseSql } from './parse.ts'
import { openRegion, type Region, readLiteral } from './sql-regions.ts'
import { type AstNode, child, children, list, strings, text } from './syntax-tree.ts'

export interface BodyStatement {
  type: string
  node: AstNode
}

const creates = /\b(create|alter)\b/i
const starters = new Set(['create', 'alter'])
const before = new Set([';', 'then', 'else', 'loop', 'begin'])

/**
 * Finds the statements in a DO block or function body that may make objects, and gives each, parsed, to `visit`.
 * What a body builds at run time is only seen when the text of an EXECUTE is one whole statement.
 */
export function collectFromBody(statement: BodyStatement, visit: (found: BodyStatement) => void): void {
  const options = children(statement.node, statement.type === 'DoStmt' ? 'args' : 'options')
  for (const { node } of options) {
    if (node.defname !== 'as') continue
    const argument = child(node, 'arg') ?? {}
    const whole = text(child(argument, 'String') ?? {}, 'sval')
    const bodies = whole === null ? strings(list(child(argument, 'List') ?? {}, 'items')) : [whole]
    for (const body of bodies) if (creates.test(body)) collectFromText(body, visit)
  }
}

function collectFromText(body: string, visit: (found: BodyStatement) => void): void {
  let region: Region
  try {
    region = openRegion(body, {
      kind: 'plpgsql',
      kinds: null,
      quoteDepth: 0,
      inTemplate: false,
      fileOffset: (byte) => byte,
    })
  } catch {
    return // not SQL: a body in another language
  }
  const bytes = Buffer.from(body, 'utf8')
  for (let i = 0; i < region.tokens.length; i++) {
    const token = region.tokens[i] as Region['tokens'][number]
    const starts = i === 0 || before.has(region.words[i - 1] as string)
    if (starts && starters.has(region.words[i] as string)) {
      const end = region.words.indexOf(';', i)
      visitText(bytes.toString('utf8', token.start, region.tokens[end]?.start ?? bytes.length), visit)
    } else if (region.words[i - 1] === 'execute' && token.name === 'SCONST') {
      const literal = readLiteral(token)
      if (literal && creates.test(literal.value)) visitText(literal.value, visit)
    }
  }
}

function visitText(sql: string, visit: (found: BodyStatement) => void): void {
  if (!creates.test(sql)) return
  try {
    for (const found of parseSql(sql).statements) visit(found)
  } catch {
    // a piece of PL/pgSQL, or a text with placeholders: nothing can be known of it
  }
}
