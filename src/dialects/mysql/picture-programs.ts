import { type ObjectKind, ownSchema, type PictureObject } from '../../model/picture.ts'
import { nameOf, wordsOf } from './lex.ts'
import { type Catalog, type Row, text } from './picture-read.ts'
import { charsetName, comparable, modesOf, type Own, withoutDefiner } from './picture-text.ts'

/** Stands where a definition should: the role lacks SHOW VIEW, SHOW_ROUTINE or the like. */
export const unreadable = '(this role may not read it)'

/** The mode changes how a body is read and run; whether spaces before parentheses are passed over does not. */
export function modeOf(row: Row): string {
  const modes = text(row.SQL_MODE).split(',')
  return modes
    .filter((mode) => mode !== '' && mode !== 'IGNORE_SPACE')
    .sort()
    .join(',')
}

function groupBy(rows: readonly Row[], keyOf: (row: Row) => string): Map<string, Row[]> {
  const groups = new Map<string, Row[]>()
  for (const row of rows) {
    const key = keyOf(row)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [row])
    else group.push(row)
  }
  return groups
}

const bodyOf = (row: Row, column: string, own: Own) =>
  row[column] == null || text(row[column]) === ''
    ? unreadable
    : comparable(text(row[column]), own, modesOf(text(row.SQL_MODE)))

/** An object, and what was said about it. */
export interface Described {
  object: PictureObject
  comment: PictureObject | null
}

/** @param label name of the comment where the object's own could be another's, too */
export function describe(object: PictureObject, comment: string | null = null, label = object.name): Described {
  if (comment === null || comment === '') return { object, comment: null }
  return { object, comment: { kind: 'comment', name: label, of: object.name, properties: { text: comment } } }
}

/** Of SHOW CREATE VIEW: what its definer and its name are not. Names of the own database are passed over. */
export function viewObject(name: string, shown: string | null, own: Own): PictureObject {
  const object = (properties: Record<string, string>): PictureObject => ({ kind: 'view', name, of: null, properties })
  if (shown === null) return object({ definition: unreadable })
  const plain = withoutDefiner(shown)
  const words = wordsOf(plain)
  const view = words.findIndex(({ key }) => key === 'VIEW')
  // The name may be written with the database's.
  const nameEnd = words[view + 2]?.key === '.' ? view + 3 : view + 1
  const as = words.findIndex(({ key }, at) => at > nameEnd && key === 'AS')
  const option = words.at(-2)?.key === 'CHECK' && words.at(-1)?.key === 'OPTION' ? words.length - 4 : words.length
  const after = (key: string) => words.slice(0, view).findIndex((word) => word.key === key)
  const algorithm = words[after('ALGORITHM') + 2]?.key ?? 'UNDEFINED'
  const end = (at: number) => words[at]?.end ?? 0
  // The server names the database only where another one is named, too.
  const short = (part: string) => comparable(part, own).replaceAll(`${ownSchema}.`, '')
  const columns = short(plain.slice(end(nameEnd), words[as]?.start ?? 0))
  return object({
    ...(columns === '' ? {} : { columns }),
    definition: short(plain.slice(end(as), end(option - 1))),
    security: words[after('SECURITY') + 1]?.key ?? 'DEFINER',
    ...(after('ALGORITHM') === -1 || algorithm === 'UNDEFINED' ? {} : { algorithm }),
    ...(option === words.length ? {} : { 'check option': words[option + 1]?.key ?? '' }),
  })
}

/** Kind and name under which a routine is listed; MariaDB's packages are among the procedures. */
export function routineName(row: Row): { kind: 'function' | 'procedure'; name: string } {
  const type = text(row.ROUTINE_TYPE)
  const name = text(row.ROUTINE_NAME)
  if (type === 'FUNCTION') return { kind: 'function', name }
  return { kind: 'procedure', name: type === 'PROCEDURE' ? name : `${type.toLowerCase()} ${name}` }
}

function typeOf(row: Row, collation: string): string {
  const type = text(row.DTD_IDENTIFIER).replace(
    /^(tinyint|smallint|mediumint|int|bigint|year)\(\d+\)(?!.*zerofill)/,
    (all, name) => (all === 'tinyint(1)' ? all : name),
  )
  const own = charsetName(text(row.COLLATION_NAME))
  return own === '' || own === collation ? type : `${type} COLLATE ${own}`
}

function routineObjects({ own, collation, routines, parameters }: Catalog): Described[] {
  const byName = groupBy(parameters, (row) => `${text(row.ROUTINE_TYPE)} ${text(row.SPECIFIC_NAME)}`)
  return routines.map((row) => {
    const { kind, name } = routineName(row)
    const described = byName.get(`${text(row.ROUTINE_TYPE)} ${text(row.ROUTINE_NAME)}`) ?? []
    const listed = described
      .filter((one) => Number(one.ORDINAL_POSITION) > 0)
      .map((one) => [text(one.PARAMETER_MODE), text(one.PARAMETER_NAME), typeOf(one, collation)].join(' '))
    const properties: Record<string, string> = {
      parameters: listed.join(', '),
      ...(kind === 'function' ? { returns: typeOf(row, collation) } : {}),
      body: bodyOf(row, 'ROUTINE_DEFINITION', own),
      deterministic: text(row.IS_DETERMINISTIC).toLowerCase(),
      'data access': text(row.SQL_DATA_ACCESS).toLowerCase(),
      security: text(row.SECURITY_TYPE),
      'sql mode': modeOf(row),
    }
    return describe({ kind, name, of: null, properties }, text(row.ROUTINE_COMMENT), `${kind} ${name}`)
  })
}

function triggerObjects({ own, triggers }: Catalog): PictureObject[] {
  return triggers.map((row) => {
    const table = text(row.EVENT_OBJECT_TABLE)
    return {
      kind: 'trigger',
      name: `${table}.${text(row.TRIGGER_NAME)}`,
      of: table,
      properties: {
        timing: text(row.ACTION_TIMING),
        event: text(row.EVENT_MANIPULATION),
        order: text(row.ACTION_ORDER),
        body: bodyOf(row, 'ACTION_STATEMENT', own),
        'sql mode': modeOf(row),
      },
    }
  })
}

/** `EVERY '1:30' HOUR_MINUTE`. A start that nobody named is the time when the event was made, and left out. */
export function scheduleOf(row: Row): string {
  if (text(row.EVENT_TYPE) === 'ONE TIME') return `AT '${text(row.EXECUTE_AT)}'`
  const interval = text(row.INTERVAL_VALUE)
  const value = /^\d+$/.test(interval) ? interval : `'${interval.replaceAll("'", '')}'`
  const starts = text(row.STARTS)
  return [
    `EVERY ${value} ${text(row.INTERVAL_FIELD)}`,
    ...(starts === '' || starts === text(row.CREATED) ? [] : [`STARTS '${starts}'`]),
    ...(row.ENDS == null ? [] : [`ENDS '${text(row.ENDS)}'`]),
  ].join(' ')
}

/** On a replica events do not run, whatever was said. */
export const isDisabled = (row: Row) => text(row.STATUS) === 'DISABLED'

function eventObjects({ own, events }: Catalog): Described[] {
  return events.map((row) => {
    const name = text(row.EVENT_NAME)
    const properties = {
      schedule: scheduleOf(row),
      'time zone': text(row.TIME_ZONE),
      status: isDisabled(row) ? 'disabled' : 'enabled',
      'on completion': text(row.ON_COMPLETION),
      body: bodyOf(row, 'EVENT_DEFINITION', own),
      'sql mode': modeOf(row),
    }
    return describe({ kind: 'event', name, of: null, properties }, text(row.EVENT_COMMENT), `event ${name}`)
  })
}

function grantObjects({ grants }: Catalog): PictureObject[] {
  const byPlace = groupBy(grants, (row) => JSON.stringify([text(row.grantee), text(row.object)]))
  return [...byPlace].map(([key, rows]) => {
    const [grantee, object] = JSON.parse(key) as [string, string]
    const privileges = rows.map((row) => {
      const columns = text(row.field) === '' ? '' : ` (${text(row.field)})`
      return `${text(row.privilege)}${columns}${text(row.grantable) === 'YES' ? ' with grant option' : ''}`
    })
    return {
      kind: 'grant' as ObjectKind,
      name: object === '' ? grantee : `${object} to ${grantee}`,
      of: object === '' ? null : object,
      properties: { privileges: privileges.sort().join(', ') },
    }
  })
}

/** Sequences as their own text tells them, without the name. */
export function sequenceObject(name: string, shown: string | null): PictureObject {
  const words = shown === null ? [] : wordsOf(shown)
  const at = words.findIndex((word) => word.type === 'name' && nameOf(word) === name)
  const definition =
    shown === null
      ? unreadable
      : shown
          .slice(words[at]?.end)
          .replace(/\s*ENGINE=\w+/, '')
          .trim()
  return { kind: 'sequence', name, of: null, properties: { definition } }
}

/** Routines, triggers, events, grants. */
export function programObjects(catalog: Catalog): Described[] {
  const further = [...triggerObjects(catalog), ...grantObjects(catalog)].map((object) => describe(object))
  return [...routineObjects(catalog), ...eventObjects(catalog), ...further]
}
