import type { DestructiveStep } from '../../model/script.ts'
import { readAlterTable, readNames } from './alter-actions.ts'
import { type Name, type Reader, readStatement } from './probe-reader.ts'

type Found = Omit<DestructiveStep, 'statement'>

const of = (kind: DestructiveStep['kind'], { schema, name }: Name, column: string | null = null): Found => ({
  kind,
  schema,
  object: name,
  column,
})

function readDrop(reader: Reader): Found[] {
  if (reader.take('TEMPORARY')) return []
  const object = reader.takeOne('TABLE', 'TABLES', 'VIEW', 'SEQUENCE', 'DATABASE', 'SCHEMA')
  if (object === null) return []
  reader.take('IF', 'EXISTS')
  const names = readNames(reader)
  if (object === 'DATABASE' || object === 'SCHEMA') return names.map((name) => of('drop-schema', name))
  return names.map((name) => of(object === 'TABLE' || object === 'TABLES' ? 'drop-table' : 'drop-other', name))
}

function readAlter(text: string): Found[] {
  const altered = readAlterTable(text)
  if (altered === null) return []
  const { table, actions } = altered
  return actions.flatMap(({ words, drops, changes }): Found[] => {
    if (drops !== null) return [of('drop-column', table, drops)]
    if (changes !== null) return [of('change-type', table, changes)]
    const [first, second] = words.map(({ key }) => key)
    // Characters that the new set does not have are lost.
    if (first === 'CONVERT' && second === 'TO') return [of('change-type', table)]
    // How many rows a partition has, or what leaves with a tablespace, is not counted.
    if (second === 'PARTITION' && (first === 'DROP' || first === 'TRUNCATE')) return [of('delete', table)]
    if (first === 'DROP' && second === 'SYSTEM') return [of('delete', table)]
    return (first === 'DISCARD' || first === 'IMPORT') && words.some(({ key }) => key === 'TABLESPACE')
      ? [of('drop-other', table)]
      : []
  })
}

function readDelete(reader: Reader): Found[] {
  while (reader.takeOne('LOW_PRIORITY', 'QUICK', 'IGNORE', 'HISTORY') !== null);
  const inFront = !reader.take('FROM')
  const names: Name[] = []
  do {
    // `a`, `a.*`, `d.a`, `d.a.*`
    const parts: string[] = []
    do {
      const part = reader.takeOne('*') === null ? reader.takePart() : null
      if (part !== null) parts.push(part)
    } while (reader.take('.'))
    const name = parts.at(-1)
    if (name === undefined) break
    names.push({ schema: parts.at(-2) ?? null, name })
  } while (reader.take(','))
  if (inFront && !reader.take('FROM')) return []
  return names.map((name) => of('delete', name))
}

/** `WITH … DELETE FROM t` */
function readCommon(reader: Reader): Found[] {
  let depth = 0
  while (!reader.ended) {
    const key = reader.next()?.key
    if (key === '(') depth++
    if (key === ')') depth--
    if (key === 'DELETE' && depth === 0) return readDelete(reader)
  }
  return []
}

/** First words of statements that may take something away. */
const suspicious = /^(?:\s|\/\*!?\d*)*(?:drop|alter|truncate|delete|create|with|set)\b/i

function readStatementOf(text: string): Found[] {
  if (!suspicious.test(text.slice(0, 200))) return []
  const reader = readStatement(text)
  switch (reader.next()?.key) {
    case 'DROP':
      return readDrop(reader)
    case 'ALTER':
      return readAlter(text)
    case 'TRUNCATE': {
      reader.take('TABLE')
      const name = reader.takeName()
      return name === null ? [] : [of('truncate', name)]
    }
    case 'DELETE':
      return readDelete(reader)
    case 'WITH':
      return readCommon(reader)
    case 'CREATE': {
      // MariaDB drops a table that is there.
      if (!reader.take('OR', 'REPLACE', 'TABLE')) return []
      const name = reader.takeName()
      return name === null ? [] : [of('drop-table', name)]
    }
    default:
      return []
  }
}

/** What a statement takes away for good. What a stored program does when it runs is not looked into. */
export function findDestructive(text: string, index: number): DestructiveStep[] {
  return readStatementOf(text).map((step) => ({ ...step, statement: index }))
}
