import type { StepCost } from '../../model/statement-facts.ts'
import type { Word } from './lex.ts'
import { judgeAction } from './online-ddl.ts'
import { type OnlineCase, type OnlineCaseName, onlineCases } from './online-ddl-cases.ts'

/** Cases that only change what the server knows about a table, though the manuals call them INPLACE. */
const brief: ReadonlySet<OnlineCaseName> = new Set([
  'drop-index',
  'rename-index',
  'alter-index',
  'rename-column',
  'rename-table',
  'drop-foreign-key',
  'drop-check',
  'set-default',
  'default-charset',
  'table-option',
  'add-partition',
  'drop-partition',
])
const builds: ReadonlySet<OnlineCaseName> = new Set(['add-index', 'add-fulltext', 'add-spatial'])

/** What the statement itself asks for: the server refuses rather than lock more. */
export interface Asked {
  algorithm: string | null
  lock: string | null
}

export function readAsked(words: readonly Word[]): Asked {
  const valueAfter = (name: string) => {
    const at = words.findIndex(
      ({ key }, i) => key === name && (words[i + 1]?.key === '=' || words[i + 1]?.type === 'word'),
    )
    if (at === -1) return null
    return (words[at + 1]?.key === '=' ? words[at + 2] : words[at + 1])?.key ?? null
  }
  return { algorithm: valueAfter('ALGORITHM'), lock: valueAfter('LOCK') }
}

/** What a change of a table costs the others, by the table of cases that `plan` speaks of, too. */
export function costOf(name: OnlineCaseName, asked: Asked): StepCost {
  const { algorithm, writable }: OnlineCase = onlineCases[name]
  const work = algorithm === 'INSTANT' || brief.has(name) ? 'moment' : builds.has(name) ? 'build' : ('rewrite' as const)
  const refuses = asked.lock === 'NONE' || asked.algorithm === 'INSTANT'
  if (writable || refuses || work === 'moment') {
    return { lock: `metadata lock (ALGORITHM=${asked.algorithm ?? algorithm})`, blocks: 'nothing', work }
  }
  return { lock: `SHARED (ALGORITHM=${asked.algorithm ?? algorithm})`, blocks: 'writes', work }
}

export function caseOf(words: readonly Word[]): OnlineCaseName | null {
  return judgeAction(words)
}

/** How to have it refused rather than wait for it, and what does it without a lock. */
export function safeClause(statement: string, name: OnlineCaseName): string {
  const { algorithm, writable }: OnlineCase = onlineCases[name]
  const text = statement.trim().replace(/\s+/g, ' ').replace(/;$/, '')
  const clause = algorithm === 'INSTANT' ? 'ALGORITHM=INSTANT' : 'ALGORITHM=INPLACE, LOCK=NONE'
  const joint = /^alter\b/i.test(text) ? ',' : ''
  const asked = `${text}${joint} ${joint === '' ? clause.replace(',', '') : clause};`
  return writable
    ? asked
    : `${asked}  -- is refused rather than block others\n-- where it is: change a copy of the table and swap it (gh-ost, pt-online-schema-change)`
}
