import { describe, expect, test } from 'vitest'
import { lintTexts } from '../../../test/lint/lint-texts.ts'
import { mysql } from '../../dialects/mysql/index.ts'
import { postgres } from '../../dialects/postgres/index.ts'
import { sqlite } from '../../dialects/sqlite/index.ts'
import type { Dialect } from '../../model/dialect.ts'
import type { LintFinding } from '../../model/lint.ts'
import type { ExampleStep, Rule, RuleExample } from './rule.ts'
import { rules } from './rule-table.ts'

const dialects: Record<string, Dialect> = { postgres, mysql, sqlite }

async function lintExample({ dialect, setup, settings }: RuleExample, steps: readonly ExampleStep[]) {
  const known = dialects[dialect]
  if (known === undefined) throw new Error(`${dialect} is not known here`)
  const bodies = steps.map(({ sql, name, undo }, i) => ({ id: name ?? `00${i + 2}_step_of_it`, sql, undo }))
  const { findings } = await lintTexts(known, [{ id: '001_setup_of_it', sql: setup }, ...bodies], settings)
  return findings
}

const isAbout =
  ({ id }: Rule) =>
  ({ rule, migration }: LintFinding) =>
    rule === id && migration !== '001_setup_of_it'

const cases = rules.flatMap((rule) =>
  rule.examples.map((example, i) => ({ title: `${rule.id} ${example.dialect} ${i + 1}`, rule, example })),
)

describe('the examples of the rules', () => {
  test('every rule has some, and a sentence for each question', () => {
    expect(rules.filter(({ examples }) => examples.length === 0).map(({ id }) => id)).toEqual(['changed-after-applied'])
    expect(new Set(rules.map(({ id }) => id)).size).toBe(rules.length)
    for (const { id, why, instead, title } of rules) {
      expect(id).toMatch(/^[a-z]+(-[a-z]+)*$/)
      expect(Math.min(why.length, instead.length, title.length)).toBeGreaterThan(10)
    }
  })

  test.each(cases)('$title: bad is found', async ({ rule, example }) => {
    for (const step of example.bad) {
      const findings = await lintExample(example, [step])
      const own = findings.filter(isAbout(rule))
      expect(own.length, `${step.sql}\n${findings.map((one) => one.rule).join(', ')}`).toBeGreaterThan(0)
      expect(own[0]?.severity).toBe(rule.severity)
      const expected = step.lock
      // A lock that matters to the rule is the one that the server will show.
      if (expected !== undefined && own[0]?.lock != null) expect(own[0].lock).toBe(expected.mode)
      if (expected !== undefined && own[0]?.cost != null && expected.work !== 'scan') {
        expect(own[0].cost.work).toBe(expected.work)
      }
    }
  })

  test.each(cases)('$title: good is not', async ({ rule, example }) => {
    const findings = await lintExample(example, example.good)
    expect(findings.filter(isAbout(rule)).map(({ message }) => message)).toEqual([])
    expect(findings.filter((one) => one.rule === 'syntax-error')).toEqual([])
  })
})
