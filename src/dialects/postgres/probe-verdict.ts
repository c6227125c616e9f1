import type { ProbeVerdict } from '../../model/dialect.ts'

/** One thing that a statement changes, as SQL over the catalog. Names resolve on the target's search path. */
export interface Check {
  /** SQL boolean: the effect is there. */
  landed: string
  /** SQL boolean: the state before the statement is there. Both or neither: it cannot be told. */
  absent: string
  /** For people, for each of the three answers. */
  there: string
  missing: string
  otherwise: string
  /** The effect may have been there before the statement; running it again is harmless. */
  weak?: true
  /** SQL text[]: statements that clear away half of the effect. */
  leftovers?: string
  /** With leftovers: the effect is complete once they have run. */
  completes?: true
  /** SQL integer: session that is still working on it. */
  busy?: string
}

/** What to ask the catalog about a statement. */
export type Question =
  /** Nothing needs to be asked. */
  | { kind: 'repeat' | 'unknown' | 'absent'; reason: string }
  | {
      kind: 'checks'
      checks: readonly Check[]
      /** Parts of the statement that no check covers: running them again is harmless, or cannot be told. */
      rest?: 'repeat' | 'unknown'
      /** What is there must also equal what the statement makes; this is the verdict if it does not. */
      compare?: 'unknown' | 'absent'
    }

/** Answer to one check. */
export interface Answer {
  landed: boolean
  absent: boolean
  leftovers: readonly string[]
  busy: number | null
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

function verdict(kind: ProbeVerdict['verdict'], reason: string, cleanup: readonly string[] = []): ProbeVerdict {
  return { verdict: kind, cleanup, reason }
}

/** Pure. A statement is atomic: checks that disagree mean that somebody else changed something. */
export function judgeAnswers(question: Question, answers: readonly Answer[]): ProbeVerdict {
  if (question.kind !== 'checks') return verdict(question.kind, question.reason)
  const landed: Check[] = []
  const absent: Check[] = []
  const other: Check[] = []
  for (const [index, check] of question.checks.entries()) {
    const answer = answers[index]
    if (answer === undefined) continue
    if (answer.busy !== null) {
      const reason = `session ${answer.busy} is still working on it: run again when it has ended`
      return { ...verdict('unknown', reason), runningIn: answer.busy }
    }
    if (answer.leftovers.length > 0) {
      return verdict(check.completes ? 'landed' : 'rebuild', check.otherwise, answer.leftovers)
    }
    const list = answer.landed === answer.absent ? other : answer.landed ? landed : absent
    list.push(check)
  }
  const strong = landed.find((check) => !check.weak)
  const conflict = other[0]
  if (conflict) return verdict('unknown', conflict.otherwise)
  const missing = absent[0]
  if (strong && missing) return verdict('unknown', `${strong.there}, but ${missing.missing}`)
  if (missing) return verdict('absent', missing.missing)
  if (strong) return verdict('landed', strong.there)
  const weak = landed[0]
  if (question.rest === 'unknown') return verdict('unknown', 'part of what it changes cannot be seen in the catalog')
  if (question.rest === 'repeat' || !weak) return verdict('repeat', 'running it again changes nothing more')
  return verdict('landed', weak.there)
}
