import type { EmptyingTable } from '../../model/emptying.ts'

/**
 * Tables in an order in which their rows can be taken away, those that point before those that are pointed to. A group
 * of several is a circle of keys; one that points to itself is a group of its own with `isCircle`.
 */
export function orderRemoval(tables: readonly EmptyingTable[]): { tables: EmptyingTable[]; isCircle: boolean }[] {
  const own = new Map(tables.map((table) => [table.id, table]))
  const parentsOf = ({ keys }: EmptyingTable) =>
    [...new Set(keys.map(({ to }) => to))].flatMap((to) => own.get(to) ?? [])
  const marks = new Map<string, { index: number; low: number; onStack: boolean }>()
  const stack: EmptyingTable[] = []
  const groups: { tables: EmptyingTable[]; isCircle: boolean }[] = []
  for (const root of tables) {
    if (marks.has(root.id)) continue
    // Tarjan's algorithm, with a stack of its own: a chain of keys may be longer than calls can be deep.
    const calls: { table: EmptyingTable; parents: EmptyingTable[] }[] = []
    const enter = (table: EmptyingTable) => {
      marks.set(table.id, { index: marks.size, low: marks.size, onStack: true })
      stack.push(table)
      calls.push({ table, parents: parentsOf(table) })
    }
    enter(root)
    for (let call = calls.at(-1); call !== undefined; call = calls.at(-1)) {
      const mark = markOf(call.table)
      const parent = call.parents.pop()
      if (parent !== undefined) {
        const seen = marks.get(parent.id)
        if (seen === undefined) enter(parent)
        else if (seen.onStack) mark.low = Math.min(mark.low, seen.index)
        continue
      }
      calls.pop()
      const below = calls.at(-1)
      if (below !== undefined) markOf(below.table).low = Math.min(markOf(below.table).low, mark.low)
      if (mark.low !== mark.index) continue
      const group = stack.splice(stack.indexOf(call.table))
      for (const table of group) markOf(table).onStack = false
      const isCircle = group.length > 1 || parentsOf(call.table).some(({ id }) => id === call.table.id)
      groups.push({ tables: group, isCircle })
    }
  }
  // Whoever is pointed to was found first.
  return groups.reverse()

  function markOf({ id }: EmptyingTable) {
    return marks.get(id) as { index: number; low: number; onStack: boolean }
  }
}
