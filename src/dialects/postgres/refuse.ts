import type { Notice } from '../../model/migration.ts'
import { indexLines } from './line-index.ts'
import { outlineSql } from './outline.ts'
import type { ParsedStatement } from './parse.ts'
import { branch, word } from './tree.ts'

/** A reason not to run a file, before it is known which file it is. */
export type Finding = Pick<Notice, 'rule' | 'message' | 'hint' | 'line' | 'column'>

const copyHint = 'write the rows as INSERT statements, or COPY from a file on the server'
const mostFindings = 20

/** `COPY` from or to the client: it would need a conversation in the middle of the statements. */
export function refuseCopy({ type, node }: Pick<ParsedStatement, 'type' | 'node'>): Omit<Finding, 'line'> | null {
  if (type !== 'CopyStmt' || 'filename' in node) return null
  const table = word(branch(node, 'relation'), 'relname')
  const what = node.is_from === true ? `COPY ${table ?? '…'} FROM STDIN` : `COPY ${table ?? '…'} TO STDOUT`
  return {
    rule: node.is_from === true ? 'copy-from-stdin' : 'copy-to-stdout',
    message: `${what} cannot run in a migration: no client is there to ${node.is_from === true ? 'send' : 'take'} the rows`,
    hint: node.is_from === true ? copyHint : 'remove it, or COPY to a file on the server',
  }
}

function hintFor(command: string): string {
  if (/^\\(un)?restrict$/.test(command)) return 'pg_dump wrote this line for psql: delete it'
  if (/^\\(c|connect)$/.test(command)) return 'delete this line: tenantry connects to each target itself'
  if (/^\\(i|ir|include|include_relative)$/.test(command)) return 'put the SQL of that file into this one'
  if (/^\\(set|unset|gset)$/.test(command)) return 'write the value in its place, or use `placeholders` of the set'
  if (/^\\(g|gexec|gdesc|gx)$/.test(command)) return 'end the statement with a semicolon instead'
  return 'replace it by SQL, or delete this line'
}

/** What in a text that does not parse is meant for psql and not for the server. Offsets are those of `text`. */
function scanForPsql(text: string, offset: number): { offset: number; finding: Finding }[] {
  const { code } = outlineSql(text)
  const found: { offset: number; finding: Finding }[] = []
  const copy = /\bcopy\b[^;]*?\bfrom\s+stdin\b[^;\n]*(?:;|$)/i.exec(code)
  const rowsStart = copy ? copy.index + copy[0].length : text.length
  for (const match of code.slice(0, copy?.index ?? text.length).matchAll(/^[^\\\n]*(\\[A-Za-z!?.;]*).*$/gm)) {
    const command = match[1] ?? ''
    found.push({
      offset: offset + match.index + match[0].indexOf(command),
      finding: {
        rule: 'psql-command',
        message: `${command} is a command of psql, which PostgreSQL itself does not know`,
        hint: hintFor(command.toLowerCase()),
      },
    })
  }
  if (!copy) return found
  found.push({
    offset: offset + copy.index,
    finding: {
      rule: 'copy-from-stdin',
      message: 'COPY … FROM STDIN with rows in the file cannot run in a migration',
      hint: copyHint,
    },
  })
  const end = /^\\\.[ \t\r]*$/m.exec(text.slice(rowsStart))
  if (!end || found.length >= mostFindings) return found
  const rest = rowsStart + end.index + end[0].length
  return [...found, ...scanForPsql(text.slice(rest), offset + rest)]
}

/** Why a text that PostgreSQL's parser stops at (at this line and column) can never run. */
export function refuseUnparsed(text: string, at: { line: number; column: number }): Finding[] {
  const found = scanForPsql(text, 0).slice(0, mostFindings)
  if (found.length > 0) {
    const lines = indexLines(Buffer.from(text))
    return found.map(({ offset, finding }) => {
      const place = lines.place(Buffer.byteLength(text.slice(0, offset)))
      return { ...finding, ...place, message: `${finding.message} (line ${place.line})` }
    })
  }
  const line = text.split('\n', at.line)[at.line - 1] ?? ''
  const variable = /^:(?:[A-Za-z_]\w*|'[^']*'|"[^"]*")/.exec([...line].slice(at.column - 1).join(''))?.[0]
  if (variable === undefined) return []
  return [
    {
      rule: 'psql-variable',
      message: `${variable} is a variable of psql, which PostgreSQL itself does not know (line ${at.line})`,
      hint: 'write the value in its place, or use `placeholders` of the set',
      ...at,
    },
  ]
}
