import { describe, expect, it } from 'vitest'
import { historyShape } from '../formats/history-shapes.ts'
import type { HistoryEntry, HistorySnapshot, LedgerEntry } from '../model/history.ts'
import type { Migration } from '../model/migration.ts'
import { readStanding } from './plan.ts'
import { planDown } from './plan-down.ts'
import { planUp } from './plan-up.ts'

const shape = historyShape('flyway')
const home = historyShape('schema_migrations')

function migration(number: string | null, name: string, checksum = '1'): Migration {
  const id = number === null ? `R__${name}` : `V${number}__${name}`
  return {
    id,
    number,
    checksum: `sha of ${id} ${checksum}`.toLowerCase(),
    otherChecksums: [checksum],
    description: name,
    keys: number === null ? [id, name] : [id, number],
    up: { kind: 'sql', text: '', file: `db/${id}.sql` },
    down: number === null ? null : { kind: 'sql', text: '', file: `db/U${id.slice(1)}.sql` },
    transaction: 'auto',
    ...(number === null ? { repeats: true as const } : {}),
  }
}
const row = (key: string, state: HistoryEntry['state'] = 'applied', checksum: string | null = '1'): HistoryEntry => ({
  key,
  checksum,
  state,
  ...(/^\d/.test(key) ? {} : { repeats: true }),
})
const snapshot = (entries: readonly HistoryEntry[], ledger: readonly LedgerEntry[] = []): HistorySnapshot => ({
  columns: [],
  entries,
  hasLedger: ledger.length > 0,
  ledger,
})
const ids = (list: readonly Migration[]) => list.map(({ id }) => id)
const steps = (plan: { steps: readonly { migration: Migration }[] }) => ids(plan.steps.map((step) => step.migration))

const [one, two, views, grants] = [
  migration('1', 'a'),
  migration('2', 'b'),
  migration(null, 'views'),
  migration(null, 'grants'),
] as const
const all = [one, two, grants, views]
const whole = [row('1'), row('2'), row('grants'), row('views')]

describe('what repeats', () => {
  it('is applied where its last row says what its file says', () => {
    const standing = readStanding(all, snapshot(whole), shape)
    expect([standing.pending, standing.changed, standing.outOfOrder]).toEqual([[], [], []])
    expect(ids(standing.applied)).toEqual(ids(all))
  })

  it('is pending, and not changed, where the last row says something else', () => {
    const standing = readStanding(all, snapshot([...whole, row('views', 'applied', '2')]), shape)
    expect([ids(standing.pending), standing.changed]).toEqual([['R__views'], []])
    expect(steps(planUp(standing, all))).toEqual(['R__views'])
  })

  it('comes last, and makes nothing late that comes before it', () => {
    const standing = readStanding(all, snapshot([row('1'), row('views'), row('grants')]), shape)
    expect([ids(standing.pending), standing.outOfOrder]).toEqual([['V2__b'], []])
    const fresh = readStanding(all, snapshot([]), shape)
    expect(steps(planUp(fresh, all, { strictOrder: true }))).toEqual(ids(all))
    expect(steps(planUp(fresh, all, { to: two }))).toEqual(['V1__a', 'V2__b'])
  })

  it('is passed over by an undo, and refused by name', () => {
    const standing = readStanding(all, snapshot(whole), shape)
    expect(steps(planDown(standing, all, { steps: 2 }))).toEqual(['V2__b', 'V1__a'])
    expect(steps(planDown(standing, all, { to: one }))).toEqual(['V2__b'])
    expect(steps(planDown(standing, all, { only: ids(all) }))).toEqual(['V2__b', 'V1__a'])
    expect(planDown(standing, all, { migration: views }).error?.code).toBe('UNDO_MISSING')
  })

  it('goes by our ledger where the table has no checksums, and goes on where it stopped', () => {
    const entries = [row('1', 'applied', null), row('R__views', 'applied', null)]
    const record = (checksum: string, state: LedgerEntry['state']): LedgerEntry => ({
      migration: 'R__views',
      checksum,
      state,
      statementsDone: 1,
      statementsTotal: 2,
      prefix: '',
      rollout: null,
    })
    const pendingWith = (...ledger: LedgerEntry[]) =>
      ids(readStanding([one, views], snapshot(entries, ledger), home).pending)
    expect(pendingWith(record(views.checksum, 'applied'))).toEqual([])
    expect(pendingWith(record('another', 'applied'))).toEqual(['R__views'])
    const half = readStanding([one, views], snapshot(entries, [record(views.checksum, 'running')]), home)
    expect(half.halfDone).toMatchObject([{ migration: 'R__views', direction: 'up' }])
  })

  it('is missing without its file, and never renamed', () => {
    const other = migration(null, 'reports')
    const standing = readStanding([one, two, grants, other], snapshot(whole), shape)
    expect([standing.missing, standing.renamed, ids(standing.pending)]).toEqual([['views'], [], ['R__reports']])
  })
})

describe('kinds of rows', () => {
  it('takes back what a later row undoes or corrects away', () => {
    const undone = readStanding(all, snapshot([...whole, row('2', 'undone')]), shape)
    expect([ids(undone.pending), undone.undoes]).toEqual([['V2__b'], true])
    const gone = readStanding(all, snapshot([...whole, row('2', 'gone'), row('views', 'gone')]), shape)
    expect([ids(gone.pending), gone.undoes]).toEqual([['V2__b', 'R__views'], undefined])
    const again = readStanding(all, snapshot([...whole, row('2', 'undone'), row('2')]), shape)
    expect(again.pending).toEqual([])
  })

  it('takes all below a baseline for applied, part by part, and undoes none of it', () => {
    const files = [migration('1.2', 'a'), migration('1.10', 'b'), migration('2', 'c')]
    const standing = readStanding(files, snapshot([row('1.10', 'floor', null)]), shape)
    expect([ids(standing.applied), ids(standing.pending), standing.unverified]).toEqual([
      ['V1.2__a', 'V1.10__b'],
      ['V2__c'],
      [],
    ])
    expect(planDown(standing, files, { steps: 1 }).error?.code).toBe('UNDO_MISSING')
  })

  it('leaves alone what only the tool can run', () => {
    const standing = readStanding(
      all,
      snapshot([...whole, row('1.5', 'foreign', null), row('0', 'aside', null)]),
      shape,
    )
    expect([standing.missing, standing.foreign]).toEqual([[], ['1.5']])
    expect(planDown(standing, all).error?.message).toContain('1.5')
    const java = migration('1.5', 'load')
    const known = readStanding(
      [one, java, two, grants, views],
      snapshot([...whole, row('1.5', 'foreign', null)]),
      shape,
    )
    expect([known.foreign, known.pending]).toEqual([undefined, []])
  })

  it('believes a corrected checksum more than the ledger, and stops at a failed row', () => {
    const entry: LedgerEntry = {
      migration: one.id,
      checksum: 'old',
      state: 'applied',
      statementsDone: 1,
      statementsTotal: 1,
      prefix: '',
      rollout: null,
    }
    expect(readStanding(all, snapshot(whole, [entry]), shape).changed).toEqual([])
    expect(ids(readStanding(all, snapshot([row('1', 'applied', '-9'), row('2')]), shape).changed)).toEqual(['V1__a'])
    const failed = readStanding(all, snapshot([row('1'), row('2', 'failed')]), shape)
    expect(planUp(failed, all).error?.message).toContain('`Failed` in `flyway info`')
  })
})
