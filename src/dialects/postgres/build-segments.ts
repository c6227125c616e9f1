import type { ScriptStatement, Segment } from '../../model/script.ts'
import type { Edit } from './edits.ts'
import type { ParsedStatement } from './parse.ts'
import type { Finding } from './refuse.ts'
import { makeStatement, type Source } from './render.ts'
import type { Cut } from './segments.ts'
import { keepPlain, makeLocal, type SettingChange, type SettingOptions } from './session-settings.ts'

/** A statement with what is known of it. */
export interface Item {
  /** 1-based. */
  index: number
  kind: string
  statement: ParsedStatement
  setting: SettingChange | null
  /** Of the adaptation; sorted. */
  edits: readonly Edit[]
}

export interface Built {
  segments: Segment[]
  /** Bytes of the file that each statement of the segments was made from. */
  ranges: { start: number; end: number }[]
  notices: Finding[]
}

const savepoint = 'tenantry_rollback'
const survivesResetAll = new Set(['role', 'session_authorization'])

/** Edits that replace others win: their text already says what those would have said. */
function merge(ours: readonly Edit[], theirs: readonly Edit[]): readonly Edit[] {
  if (ours.length === 0) return theirs
  const kept = theirs.filter((edit) => ours.every((own) => edit.end <= own.start || edit.start >= own.end))
  return [...ours, ...kept].sort((a, b) => a.start - b.start)
}

/** Builds the segments of a script, and carries the file's session settings from each to those that follow. */
export function buildSegments(
  source: Source,
  items: readonly Item[],
  cuts: readonly Cut[],
  options: SettingOptions,
): Built {
  const built: Built = { segments: [], ranges: [], notices: [] }
  /** Settings that hold, by name, in the order they were made. */
  let held = new Map<string, Item>()

  const make = (item: Item, ours: readonly Edit[]): ScriptStatement =>
    makeStatement(source, {
      index: item.index,
      kind: item.kind,
      start: item.statement.start,
      end: item.statement.end,
      edits: merge(ours, item.edits),
    })

  const insert = (item: Item, kind: string, text: string): ScriptStatement => {
    const place = { start: item.statement.start, end: item.statement.start }
    return makeStatement(source, { index: item.index, kind, ...place, edits: [{ ...place, parts: [text] }] })
  }

  const carry = (cut: Cut): ScriptStatement[] => {
    const settings: ScriptStatement[] = []
    for (const item of held.values()) {
      const { setting } = item
      if (!setting) continue
      if (cut.exclusive && setting.name === 'lock_timeout') {
        const line = source.lines.place(item.statement.start).line
        built.notices.push({
          rule: 'lock-timeout-not-kept',
          message: `lock_timeout (line ${line}) is not applied to ${items[cut.members[0] ?? 0]?.kind}: running into it would leave an invalid index`,
          line,
        })
      } else if (cut.kind === 'transaction')
        settings.push(make(item, makeLocal(source, item.statement, setting, [], options)))
      else settings.push(make(item, keepPlain(item.statement, setting, options)))
    }
    return settings
  }

  const hold = (now: Map<string, Item>, item: Item) => {
    if (item.kind === 'DISCARD' || item.setting?.effect === 'reset-all') {
      if (item.setting || item.statement.node.target === 'DISCARD_ALL') {
        for (const name of now.keys()) if (!item.setting || !survivesResetAll.has(name)) now.delete(name)
      }
      return
    }
    const { setting } = item
    if (!setting || setting.local || setting.effect === 'transaction') return
    now.delete(setting.name)
    if (setting.effect !== 'reset') now.set(setting.name, item)
  }

  for (const cut of cuts) {
    const settings = carry(cut)
    const now = new Map(held)
    const statements: ScriptStatement[] = []
    const members = cut.members.map((position) => items[position]).filter((item) => item !== undefined)
    const [first] = members
    const end = cut.rolledBackAt === null ? undefined : items[cut.rolledBackAt]
    if (first && end) {
      statements.push(insert(first, 'SAVEPOINT', `SAVEPOINT ${savepoint}`))
      built.ranges.push({ start: first.statement.start, end: first.statement.start })
    }
    for (const item of members) {
      const earlier = [...now.keys()].filter((name) => !survivesResetAll.has(name))
      const ours =
        item.setting && cut.kind === 'transaction'
          ? makeLocal(source, item.statement, item.setting, earlier, options)
          : []
      statements.push(make(item, ours))
      built.ranges.push({ start: item.statement.start, end: item.statement.end })
      hold(now, item)
    }
    if (first && end) {
      statements.push(insert(end, 'ROLLBACK', `ROLLBACK TO SAVEPOINT ${savepoint}`))
      built.ranges.push({ start: end.statement.start, end: end.statement.start })
    } else held = now
    built.segments.push({ kind: cut.kind, statements, settings, exclusive: cut.exclusive })
  }
  return built
}
