import type { ProbeVerdict } from '../../model/dialect.ts'

/** One thing that a statement changes, as SQL over `information_schema`. */
export interface Check {
  /** SQL condition: the effect is there. */
  landed: string
  /** SQL condition: the state before the statement is there. Both or neither: it cannot be told. */
  absent: string
  /** For people, for each of the three answers. */
  there: string
  missing: string
  otherwise: string
  /** The effect may have been there before the statement; running it again is harmless. */
  weak?: true
}

/** What to ask about a statement. */
export type Question =
  /** Nothing needs to be asked. */
  | { kind: 'repeat' | 'unknown'; reason: string }
  | {
      kind: 'checks'
      checks: readonly Check[]
      /** Parts of the statement that no check covers: running them again is harmless, or cannot be told. */
      rest?: 'repeat' | 'unknown'
      /** What is there must not differ from what the statement makes, where that can be compared. */
      compare?: true
      /** It works through its objects one by one: where some are done, these statements do the others. */
      finish?: readonly { missing: string; sql: string }[]
    }

/** Answer to one check. */
export interface Answer {
  landed: boolean
  absent: boolean
}

export function repeat(reason: string): Question {
  return { kind: 'repeat', reason }
}

export function unknown(reason: string): Question {
  return { kind: 'unknown', reason }
}

export function ask(...checks: Check[]): Question {
  return { kind: 'checks', checks }
}

function verdict(kind: ProbeVerdict['verdict'], reason: string): ProbeVerdict {
  return { verdict: kind, cleanup: [], reason }
}

/** Pure. A statement is atomic: checks that disagree mean that somebody else changed something. */
export function judgeAnswers(question: Question, answers: readonly Answer[]): ProbeVerdict {
  if (question.kind !== 'checks') return verdict(question.kind, question.reason)
  const landed: Check[] = []
  const absent: Check[] = []
  let conflict: Check | undefined
  for (const [index, check] of question.checks.entries()) {
    const answer = answers[index]
    if (answer === undefined) continue
    if (answer.landed === answer.absent) conflict ??= check
    else (answer.landed ? landed : absent).push(check)
  }
  if (conflict) return verdict('unknown', conflict.otherwise)
  const strong = landed.find(({ weak }) => !weak)
  const missing = absent[0]
  if (strong && missing) return verdict('unknown', `${strong.there}, but ${missing.missing}`)
  if (missing) return verdict('absent', missing.missing)
  if (strong) return verdict('landed', strong.there)
  if (question.rest === 'unknown') return verdict('unknown', 'part of what it changes cannot be looked up')
  const weak = landed[0]
  if (question.rest === 'repeat' || !weak) return verdict('repeat', 'running it again changes nothing more')
  return verdict('landed', weak.there)
}
