import { type Name, type Reader, showName } from './probe-reader.ts'
import { databaseOf, gained, lost, noun } from './probe-sql.ts'
import { ask, type Question, repeat, unknown } from './probe-verdict.ts'
import { quoteLiteral } from './quote.ts'

export type ProgramKind = 'PROCEDURE' | 'FUNCTION' | 'TRIGGER' | 'EVENT' | 'PACKAGE'

/** Where programs of each kind are listed, and under which columns. */
const views: Record<ProgramKind, { view: string; schema: string; name: string; body: string }> = {
  PROCEDURE: { view: 'ROUTINES', schema: 'ROUTINE_SCHEMA', name: 'ROUTINE_NAME', body: 'ROUTINE_DEFINITION' },
  FUNCTION: { view: 'ROUTINES', schema: 'ROUTINE_SCHEMA', name: 'ROUTINE_NAME', body: 'ROUTINE_DEFINITION' },
  PACKAGE: { view: 'ROUTINES', schema: 'ROUTINE_SCHEMA', name: 'ROUTINE_NAME', body: 'ROUTINE_DEFINITION' },
  TRIGGER: { view: 'TRIGGERS', schema: 'TRIGGER_SCHEMA', name: 'TRIGGER_NAME', body: 'ACTION_STATEMENT' },
  EVENT: { view: 'EVENTS', schema: 'EVENT_SCHEMA', name: 'EVENT_NAME', body: 'EVENT_DEFINITION' },
}

function exists(kind: ProgramKind, program: Name, where = '1'): string {
  const { view, schema, name } = views[kind]
  const type = view === 'ROUTINES' ? ` AND ROUTINE_TYPE = '${kind}'` : ''
  return `EXISTS (SELECT 1 FROM information_schema.${view} WHERE ${schema} = ${databaseOf(program)} AND ${name} = ${quoteLiteral(program.name)}${type} AND ${where})`
}

/** After CREATE [OR REPLACE] … kind. The server keeps a body as it was written. */
export function askCreateProgram(reader: Reader, kind: ProgramKind, text: string): Question {
  if (kind === 'PACKAGE' && reader.take('BODY')) return unknown('bodies of packages are not looked up')
  if (reader.take('IF', 'NOT', 'EXISTS')) return repeat(`where the ${kind.toLowerCase()} is there it does nothing`)
  const program = reader.takeName()
  if (program === null) return unknown('its grammar is not known here')
  const { body } = views[kind]
  const label = noun(kind.toLowerCase(), program)
  // Who may not see a body sees NULL.
  const same = `(${body} IS NULL OR LOCATE(BINARY ${body}, BINARY ${quoteLiteral(text)}) > 0)`
  const check = gained(label, exists(kind, program, same), `NOT ${exists(kind, program)}`)
  return ask({ ...check, otherwise: `${label} is there, but with another body` })
}

/** After DROP kind. */
export function askDropProgram(reader: Reader, kind: ProgramKind): Question {
  if (kind === 'PACKAGE' && reader.take('BODY')) return unknown('bodies of packages are not looked up')
  if (reader.take('IF', 'EXISTS')) return repeat('what is gone already it leaves out')
  const program = reader.takeName()
  if (program === null) return unknown('its grammar is not known here')
  return ask(lost(noun(kind.toLowerCase(), program), exists(kind, program)))
}

/** After ALTER EVENT: only a new name can be seen; everything else may be set again. */
export function askAlterEvent(reader: Reader): Question {
  const event = reader.takeName()
  if (event === null) return unknown('its grammar is not known here')
  const words = reader.rest()
  const at = words.findIndex(({ key }, index) => key === 'RENAME' && words[index + 1]?.key === 'TO')
  if (at === -1) return repeat('setting it again changes nothing more')
  return unknown(`it renames ${showName(event)}, and may change more`)
}
