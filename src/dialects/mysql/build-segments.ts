import type { ScriptStatement, Segment } from '../../model/script.ts'
import type { Finding } from '../finding.ts'
import type { LineIndex } from '../line-index.ts'
import { makeStatement } from '../statement.ts'
import { type Word, wordsOf } from './lex.ts'
import type { Cut } from './segments.ts'
import { type Assignment, volatileValue } from './session-settings.ts'

/** A statement with what is known of it. */
export interface Item {
  /** 1-based. */
  index: number
  kind: string
  start: number
  end: number
  line: number
  settings: readonly Assignment[] | null
  /** User variables that it gives a value. */
  assigns: readonly string[]
  /** User variables, prepared statements (`prepare x`) and temporary tables (`table x`) that it mentions. */
  mentions: ReadonlySet<string>
  /** The prepared statement or temporary table that it makes. */
  makes: string | null
  /** The one that it takes away. */
  drops: string | null
}

export interface Built {
  segments: Segment[]
  notices: Finding[]
  problems: Finding[]
}

/** System settings that a statement leaves in its session. */
function sessionNames({ settings }: Item): string[] {
  return (settings ?? []).filter(({ scope }) => scope === 'session').map(({ name }) => name)
}

/**
 * A setting that is made again must not remember its own change as the old value: `SET @old = @@x, x = 1` becomes
 * `SET @old = IFNULL(@old, @@x), x = 1`, which keeps what was remembered first.
 */
export function makeRepeatable(text: string): string {
  let result = text
  const words: Word[] = wordsOf(text)
  for (let i = words.length - 1; i >= 2; i--) {
    const [target, equals, value] = [words[i - 2], words[i - 1], words[i]]
    if (target?.type !== 'variable' || target.text.startsWith('@@') || !value?.text.startsWith('@@')) continue
    if (value.type !== 'variable' || (equals?.key !== '=' && equals?.key !== ':=')) continue
    const next = words[i + 1]?.key
    if (next !== undefined && next !== ',' && next !== ';') continue
    result = `${result.slice(0, value.start)}IFNULL(${target.text}, ${value.text})${result.slice(value.end)}`
  }
  return result
}

/** Builds the segments of a script, and carries what the file leaves in its session to those that follow. */
export function buildSegments(text: string, lines: LineIndex, items: readonly Item[], cuts: readonly Cut[]): Built {
  const built: Built = { segments: [], notices: [], problems: [] }
  let held: Item[] = []
  const told = new Set<string>()
  const tables = new Map<string, { item: Item; cut: number }>()

  const hold = (item: Item) => {
    if (item.drops !== null) held = held.filter(({ makes }) => makes !== item.drops)
    const own = new Set([...sessionNames(item), ...item.assigns, ...(item.makes === null ? [] : [item.makes])])
    if (own.size === 0 || item.makes?.startsWith('table ')) return
    held = held.filter((earlier) => {
      const names = [...sessionNames(earlier), ...earlier.assigns, ...(earlier.makes === null ? [] : [earlier.makes])]
      return (
        names.some((name) => !own.has(name)) ||
        names.some((name) => item.mentions.has(name) && name.startsWith('@') && !isPlain(item, name))
      )
    })
    held.push(item)
  }

  /** It gives the variable a value that does not depend on the one before. */
  const isPlain = ({ settings }: Item, name: string) =>
    (settings ?? []).some((one) => one.name === name && !one.value.some((word) => word.text.toLowerCase() === name))

  const carry = (members: readonly Item[]): ScriptStatement[] => {
    const wanted = new Set(members.flatMap(({ mentions }) => [...mentions]))
    const needed: Item[] = []
    for (const item of [...held].reverse()) {
      const user = [...item.assigns, ...(item.makes === null ? [] : [item.makes])].filter((name) => wanted.has(name))
      if (user.length === 0 && sessionNames(item).length === 0) continue
      needed.unshift(item)
      for (const name of item.mentions) wanted.add(name)
      const [variable] = item.assigns.filter((name) => user.includes(name))
      const reason = variable === undefined ? null : volatileValue(wordsOf(text.slice(item.start, item.end)))
      if (variable === undefined || reason === null || told.has(variable)) continue
      told.add(variable)
      const use = members.find(({ mentions }) => mentions.has(variable))
      built.problems.push({
        rule: 'variable-across-commit',
        message: `${variable} is read from ${reason} in line ${item.line} and used in line ${use?.line ?? item.line}, after a statement that commits: a run that goes on from there could not know it any more`,
        hint: 'use it before that statement, or read it again after it from what is stored',
        line: item.line,
      })
    }
    return needed.map((item) =>
      makeStatement(text, lines, { ...item, instead: makeRepeatable(text.slice(item.start, item.end)) }),
    )
  }

  const noticeTables = (members: readonly Item[], at: number) => {
    for (const item of members) {
      for (const name of item.mentions) {
        const made = tables.get(name)
        if (made === undefined || made.cut === at || told.has(name)) continue
        told.add(name)
        const between = cuts.slice(made.cut + 1, at + 1)
        const resets = built.segments
          .slice(made.cut + 1)
          .some(({ kind, settings }) => kind === 'autocommit' && settings.length > 0)
        const [, table] = name.split(' ')
        const finding: Finding = {
          rule: 'temporary-table-across-commit',
          message: `temporary table ${table} (line ${made.item.line}) is used in line ${item.line}, after ${between.length > 1 ? 'statements that commit' : 'a commit'}: a run that goes on from there has lost it`,
          hint: 'use an ordinary table and drop it at the end, or move what uses it before the statement that commits',
          line: item.line,
        }
        ;(resets ? built.problems : built.notices).push(finding)
      }
      if (item.drops !== null) tables.delete(item.drops)
      if (item.makes?.startsWith('table ')) tables.set(item.makes, { item, cut: at })
    }
  }

  for (const [at, cut] of cuts.entries()) {
    const members = cut.members.map((position) => items[position]).filter((item) => item !== undefined)
    const settings = at === 0 ? [] : carry(members)
    const statements = members.map((item) => makeStatement(text, lines, item))
    built.segments.push({ kind: cut.kind, statements, settings, exclusive: false })
    noticeTables(members, at)
    for (const item of members) hold(item)
  }
  return built
}
