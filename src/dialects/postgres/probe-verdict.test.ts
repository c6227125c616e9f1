import { describe, expect, it } from 'vitest'
import { type Answer, type Check, judgeAnswers, type Question } from './probe-verdict.ts'

const check: Check = { landed: '', absent: '', there: 'x is there', missing: 'x is missing', otherwise: 'x is odd' }
const weak: Check = { ...check, weak: true, there: 'y is so', missing: 'y is not so' }

const yes: Answer = { landed: true, absent: false, leftovers: [], busy: null }
const no: Answer = { ...yes, landed: false, absent: true }
const neither: Answer = { ...no, absent: false }
const both: Answer = { ...no, landed: true }

function judge(checks: Check[], answers: Answer[], rest?: 'repeat' | 'unknown'): string {
  const question: Question = { kind: 'checks', checks, ...(rest && { rest }) }
  return judgeAnswers(question, answers).verdict
}

describe('judgeAnswers', () => {
  it('follows one check', () => {
    expect(judgeAnswers({ kind: 'checks', checks: [check] }, [yes])).toEqual({
      verdict: 'landed',
      cleanup: [],
      reason: 'x is there',
    })
    expect(judge([check], [no])).toBe('absent')
    expect(judge([check], [neither])).toBe('unknown')
    expect(judge([check], [both])).toBe('unknown')
  })

  it('does not guess when checks of one statement disagree', () => {
    expect(judge([check, check], [yes, yes])).toBe('landed')
    expect(judge([check, check], [no, no])).toBe('absent')
    expect(judge([check, check], [yes, no])).toBe('unknown')
    expect(judge([check, check], [yes, neither])).toBe('unknown')
    expect(judge([check, weak], [yes, no])).toBe('unknown')
  })

  it('lets what may have been so before follow what was not', () => {
    expect(judge([weak, check], [yes, no])).toBe('absent')
    expect(judge([weak, check], [yes, yes])).toBe('landed')
    expect(judge([weak], [yes])).toBe('landed')
    expect(judge([weak], [no])).toBe('absent')
  })

  it('takes parts that no check covers into account only when nothing else decides', () => {
    expect(judge([check], [yes], 'unknown')).toBe('landed')
    expect(judge([check], [no], 'repeat')).toBe('absent')
    expect(judge([weak], [yes], 'unknown')).toBe('unknown')
    expect(judge([weak], [yes], 'repeat')).toBe('repeat')
    expect(judge([weak], [no], 'unknown')).toBe('absent')
  })

  it('clears leftovers away, but not while somebody still works on them', () => {
    const left: Answer = { ...neither, leftovers: ['DROP INDEX i'] }
    expect(judgeAnswers({ kind: 'checks', checks: [check] }, [left])).toEqual({
      verdict: 'rebuild',
      cleanup: ['DROP INDEX i'],
      reason: 'x is odd',
    })
    expect(judge([{ ...check, completes: true }], [left])).toBe('landed')
    expect(judgeAnswers({ kind: 'checks', checks: [check] }, [{ ...left, busy: 7 }])).toMatchObject({
      verdict: 'unknown',
      reason: expect.stringContaining('session 7'),
    })
  })
})
