import { type Name, type Reader, readWords } from './probe-reader.ts'
import { gained, lost, noun, ofTable, partitionExists } from './probe-sql.ts'
import type { Check } from './probe-verdict.ts'

interface Partitions {
  checks: ((before: Name, after: Name) => Check)[]
  rest: 'none' | 'repeat' | 'unknown'
}

/** An action on partitions; null: it is none. `verb`: ADD or DROP, where it has been read already. */
export function askPartitions(table: Name, action: Reader, verb: 'ADD' | 'DROP' | null = null): Partitions | null {
  const word =
    verb ?? action.takeOne('PARTITION', 'REMOVE', 'REORGANIZE', 'TRUNCATE', 'COALESCE', 'EXCHANGE', 'DISCARD', 'IMPORT')
  if (word === null) return null
  if (word === 'PARTITION') return { checks: [], rest: action.key() === 'BY' ? 'repeat' : 'unknown' }
  if (word === 'REMOVE') {
    const some = `EXISTS (SELECT 1 ${ofTable('PARTITIONS', table, 'PARTITION_NAME IS NOT NULL')})`
    return { checks: [() => lost('the partitioning', some)], rest: 'none' }
  }
  if (!action.take('PARTITION')) return { checks: [], rest: 'unknown' }
  const weak = action.take('IF', 'NOT', 'EXISTS') || action.take('IF', 'EXISTS')
  if (word === 'ADD') return added(table, namesInList(action), weak)
  if (word === 'DROP') return dropped(table, namesOf(action), weak)
  if (word === 'REORGANIZE') return reorganized(table, action)
  // TRUNCATE among them: rows that are there may have come since.
  return { checks: [], rest: 'unknown' }
}

/** `p0, p1` up to the end or INTO. */
function namesOf(action: Reader): string[] {
  const names: string[] = []
  do {
    const name = action.key() === 'INTO' ? null : action.takePart()
    if (name === null) break
    names.push(name)
  } while (action.take(','))
  return names
}

function namesInList(action: Reader): string[] | null {
  const list = action.takeList()
  const names = (list ?? []).map((words) => {
    const reader = readWords(words)
    return reader.take('PARTITION') ? reader.takePart() : null
  })
  return names.length === 0 || names.some((name) => name === null) ? null : (names as string[])
}

function added(table: Name, names: readonly string[] | null, weak: boolean): Partitions {
  if (names === null) return { checks: [], rest: 'unknown' }
  const checks = names.map((name) => () => mark(gained(noun('partition', name), partitionExists(table, name)), weak))
  return { checks, rest: 'none' }
}

function dropped(table: Name, names: readonly string[], weak: boolean): Partitions {
  const checks = names.map((name) => () => mark(lost(noun('partition', name), partitionExists(table, name)), weak))
  return { checks, rest: names.length === 0 ? 'unknown' : 'none' }
}

function reorganized(table: Name, action: Reader): Partitions {
  const before = namesOf(action)
  const after = action.take('INTO') ? namesInList(action) : null
  if (after === null || before.length === 0) return { checks: [], rest: before.length === 0 ? 'repeat' : 'unknown' }
  const has = (names: readonly string[], name: string) =>
    names.some((other) => other.toLowerCase() === name.toLowerCase())
  const checks = [
    ...after
      .filter((name) => !has(before, name))
      .map((name) => () => gained(noun('partition', name), partitionExists(table, name))),
    ...before
      .filter((name) => !has(after, name))
      .map((name) => () => lost(noun('partition', name), partitionExists(table, name))),
  ]
  return { checks, rest: checks.length === 0 ? 'unknown' : 'none' }
}

function mark(check: Check, weak: boolean): Check {
  return weak ? { ...check, weak: true } : check
}
