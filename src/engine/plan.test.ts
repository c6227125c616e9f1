import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { historyShape } from '../formats/history-shapes.ts'
import type { HistoryEntry, HistorySnapshot, LedgerEntry } from '../model/history.ts'
import type { Migration } from '../model/migration.ts'
import { spellKey } from './match-history.ts'
import { needsLedger, readStanding } from './plan.ts'
import { planDown } from './plan-down.ts'
import { planUp } from './plan-up.ts'

const shape = historyShape('schema_migrations')
const prisma = historyShape('prisma')
const digest = (text: string) => Buffer.from(text).toString('hex').padEnd(64, '0')

function migration(id: string, content = id): Migration {
  const number = /^\d+/.exec(id)?.[0] ?? null
  return {
    id,
    number,
    checksum: digest(content),
    otherChecksums: [digest(`${content}!`), `md5${content}`],
    description: null,
    keys: [id, `${id}.sql`, ...(number === null ? [] : [number])],
    up: { kind: 'sql', text: content, file: `db/${id}.sql` },
    down: { kind: 'sql', text: '', file: `db/rollbacks/${id}.sql` },
    transaction: 'auto',
  }
}
const row = (key: string, checksum: string | null = null, state: HistoryEntry['state'] = 'applied'): HistoryEntry => ({
  key,
  checksum,
  state,
})
const record = (id: string, checksum: string, state: LedgerEntry['state'] = 'applied'): LedgerEntry => ({
  migration: id,
  checksum,
  state,
  statementsDone: 2,
  statementsTotal: 5,
  prefix: '',
  rollout: 'r_1',
})
const snapshot = (entries: readonly HistoryEntry[], ledger: readonly LedgerEntry[] = []): HistorySnapshot => ({
  columns: [],
  entries,
  hasLedger: ledger.length > 0,
  ledger,
})
const ids = (migrations: readonly Migration[]) => migrations.map((one) => one.id)
const steps = (plan: { steps: readonly { migration: Migration }[] }) => ids(plan.steps.map((step) => step.migration))

const [a, b, c, d] = ['001_a', '002_b', '003_c', '004_d'].map((id) => migration(id)) as [
  Migration,
  Migration,
  Migration,
  Migration,
]
const all = [a, b, c, d]

describe('readStanding', () => {
  it('compares sets, not places', () => {
    const standing = readStanding(all, snapshot([row('003_c'), row('001_a')]), shape)
    expect(ids(standing.applied)).toEqual(['001_a', '003_c'])
    expect(ids(standing.appliedOrder)).toEqual(['003_c', '001_a'])
    expect(ids(standing.pending)).toEqual(['002_b', '004_d'])
    expect(ids(standing.outOfOrder)).toEqual(['002_b'])
  })

  it.each([
    ['file', ['001_a.sql', '002_b.sql', '003'], '004_d.sql'],
    ['number', ['001', '002', '003_c'], '004'],
    ['id', ['001_a', '002_b.sql', '003'], '004_d'],
    ['id', [], '004_d'],
  ] as const)('spells new keys as most rows do: %s', (style, keys, next) => {
    const standing = readStanding(all, snapshot(keys.map((key) => row(key))), shape)
    expect(standing.applied.length).toBe(keys.length)
    expect([standing.keyStyle, spellKey(d, standing.keyStyle)]).toEqual([style, next])
  })

  it('takes no bare number for a migration that shares it, and no spelling that is not among its keys', () => {
    const twins = [migration('20250101_a'), migration('20250101_b')]
    expect(readStanding(twins, snapshot([row('20250101')]), shape).missing).toEqual(['20250101'])
    expect(readStanding(all, snapshot([row('1')]), shape).missing).toEqual(['1'])
    const ids = [migration('20250101'), migration('20250101_b')]
    expect(readStanding(ids, snapshot([row('20250101')]), shape).applied).toEqual([ids[0]])
  })

  it('reports rows without a file as missing', () => {
    const standing = readStanding(all, snapshot([row('000_old', digest('?')), row('001_a')]), shape)
    expect(standing.missing).toEqual(['000_old'])
    expect(ids(standing.pending)).toEqual(['002_b', '003_c', '004_d'])
  })
})

describe('checksums', () => {
  const judge = (entries: HistoryEntry[], ledger: LedgerEntry[] = [], kind = shape) => {
    const { changed, unverified } = readStanding(all, snapshot(entries, ledger), kind)
    return { changed: ids(changed), unverified: ids(unverified) }
  }

  it('leaves what it cannot judge unverified', () => {
    expect(judge([row('001_a'), row('002_b', 'crc:17'), row('003_c', digest('foreign'))])).toEqual({
      changed: [],
      unverified: ['001_a', '002_b', '003_c'],
    })
  })

  it('calls a row changed once another row shows that the recipe is ours', () => {
    expect(judge([row('001_a', a.checksum.toUpperCase()), row('002_b', digest('other'))])).toEqual({
      changed: ['002_b'],
      unverified: [],
    })
    expect(judge([row('001_a', digest('001_a!')), row('002_b', digest('other')), row('003_c', 'x')])).toEqual({
      changed: ['002_b'],
      unverified: ['003_c'],
    })
  })

  it('does not take an MD5 of one row, or a row of our own, as proof for others', () => {
    expect(judge([row('001_a', 'md5001_a'), row('002_b', digest('other'))]).changed).toEqual([])
    const ours = [record('001_a', a.checksum)]
    expect(judge([row('001_a', a.checksum), row('002_b', digest('other'))], ours)).toEqual({
      changed: [],
      unverified: ['002_b'],
    })
  })

  it('lets the ledger decide', () => {
    const entries = [row('001_a', digest('foreign')), row('002_b', b.checksum)]
    expect(judge(entries, [record('001_a', a.checksum), record('002_b', digest('before'))])).toEqual({
      changed: ['002_b'],
      unverified: [],
    })
    expect(judge([row('001_a')], [record('001_a', digest('x'), 'undone')]).unverified).toEqual(['001_a'])
  })

  it("trusts Prisma's own column, but not a word that somebody put there", () => {
    expect(judge([row('001_a', digest('x')), row('002_b', 'manual'), row('003_c', c.checksum)], [], prisma)).toEqual({
      changed: ['001_a'],
      unverified: ['002_b'],
    })
  })
})

describe('needsLedger', () => {
  const foreign = [row('001_a', digest('foreign')), row('002_b', b.checksum)]
  const ask = (state: HistorySnapshot) => needsLedger(readStanding([a, b], state, shape))

  it('asks where a ledger that was not read could decide', () => {
    const unread = { ...snapshot(foreign), hasLedger: true }
    expect(ask(unread)).toBe(true)
    // Read, it shows that the mismatch is not ours.
    const read = snapshot(foreign, [record('002_b', b.checksum)])
    expect(ask(read)).toBe(false)
    expect(readStanding([a, b], read, shape)).toMatchObject({ changed: [], unverified: [{ id: '001_a' }] })
  })

  it('asks for nothing where there is no ledger, or nothing is in doubt', () => {
    expect(ask(snapshot(foreign))).toBe(false)
    expect(ask({ ...snapshot([row('001_a', a.checksum)]), hasLedger: true })).toBe(false)
    expect(ask({ ...snapshot([row('005_old', a.checksum)]), hasLedger: true })).toBe(false)
    expect(ask({ ...snapshot([row('005_old')]), hasLedger: true })).toBe(true)
  })
})

describe('renamed', () => {
  it('never runs the same content again under a new name', () => {
    const moved = migration('002_moved', '005_old')
    const standing = readStanding([a, moved, c], snapshot([row('001_a'), row('005_old', moved.checksum)]), shape)
    expect(standing.renamed).toEqual([{ from: '005_old', to: '002_moved' }])
    expect([standing.missing, ids(standing.pending)]).toEqual([[], ['003_c']])
  })

  it('knows the content by the ledger, from a key in any spelling', () => {
    for (const key of ['005_old.sql', '005', '005_old']) {
      const ledger = [record('005_old', d.checksum)]
      expect(readStanding(all, snapshot([row(key)], ledger), shape).renamed).toEqual([{ from: key, to: '004_d' }])
    }
  })

  it('pairs each row once', () => {
    const twins = [migration('006_x', 'same'), migration('007_y', 'same')]
    const standing = readStanding(twins, snapshot([row('001_gone', digest('same'))]), shape)
    expect(standing.renamed).toEqual([{ from: '001_gone', to: '006_x' }])
    expect(ids(standing.pending)).toEqual(['007_y'])
  })
})

describe('half-done', () => {
  it('resumes what the ledger holds before anything else', () => {
    const standing = readStanding(all, snapshot([row('001_a')], [record('003_c', c.checksum, 'running')]), shape)
    expect(standing.halfDone).toEqual([
      { migration: '003_c', direction: 'up', statementsDone: 2, statementsTotal: 5, source: 'ledger' },
    ])
    expect(ids(standing.pending)).toEqual(['002_b', '004_d'])
    expect(steps(planUp(standing, all))).toEqual(['003_c', '002_b', '004_d'])
    expect(steps(planUp(standing, all, { to: b }))).toEqual(['002_b'])
    expect(planDown(standing, all).error?.code).toBe('MIGRATION_HALF_APPLIED')
  })

  it('takes a begun migration for applied once a history row is there', () => {
    const standing = readStanding(all, snapshot([row('001_a')], [record('001_a', a.checksum, 'running')]), shape)
    expect([standing.halfDone, ids(standing.applied)]).toEqual([[], ['001_a']])
  })

  it("stops at Prisma's failed rows", () => {
    const standing = readStanding(all, snapshot([row('001_a', a.checksum), row('002_b', '', 'failed')]), prisma)
    expect(standing.halfDone).toMatchObject([{ migration: '002_b', direction: 'up', source: 'native' }])
    const { steps: none, error } = planUp(standing, all)
    expect(none).toEqual([])
    expect(error).toMatchObject({ code: 'MIGRATION_HALF_APPLIED', message: expect.stringContaining('P3009') })
    expect(error?.hint).toContain('--rolled-back 002_b')
  })

  it('goes on with what its own ledger has begun, though Prisma takes it for failed', () => {
    const begun = snapshot(
      [row('001_a', a.checksum), row('002_b', b.checksum, 'failed')],
      [record('002_b', b.checksum, 'running')],
    )
    const standing = readStanding(all, begun, prisma)
    expect(standing.halfDone).toMatchObject([{ migration: '002_b', direction: 'up', source: 'ledger' }])
    expect(steps(planUp(standing, all))).toEqual(['002_b', '003_c', '004_d'])
  })

  it('does not guess what is left of it once Prisma has recorded it as rolled back', () => {
    const taken = snapshot([row('001_a', a.checksum)], [record('002_b', b.checksum, 'running')])
    const { error } = planUp(readStanding(all, taken, prisma), all)
    expect(error).toMatchObject({
      code: 'MIGRATION_HALF_APPLIED',
      hint: expect.stringContaining('--rolled-back 002_b'),
    })
    // Without such rows nobody else can have said so.
    expect(planUp(readStanding(all, taken, shape), all).error).toBeNull()
  })

  it('finishes a half-done undo first, and by `down` only', () => {
    const entries = [row('001_a'), row('002_b'), row('003_c')]
    const standing = readStanding(all, snapshot(entries, [record('003_c', c.checksum, 'undoing')]), shape)
    expect(planUp(standing, all).error).toMatchObject({
      code: 'MIGRATION_HALF_APPLIED',
      hint: expect.stringContaining('tenantry down 003_c'),
    })
    expect(steps(planDown(standing, all))).toEqual(['003_c'])
    expect(steps(planDown(standing, all, { steps: 2 }))).toEqual(['003_c', '002_b'])
    expect(steps(planDown(standing, all, { migration: c }))).toEqual(['003_c'])
    expect(planDown(standing, all, { migration: a }).error?.code).toBe('MIGRATION_HALF_APPLIED')
  })

  it('cannot go on without the file', () => {
    const standing = readStanding(all, snapshot([], [record('009_gone', '', 'running')]), shape)
    expect(planUp(standing, all).error?.message).toContain('its file is gone')
  })
})

describe('planUp', () => {
  const standing = readStanding(all, snapshot([row('001_a', digest('x')), row('003_c', c.checksum)]), shape)

  it('refuses changed files unless they are allowed', () => {
    expect(planUp(standing, all)).toMatchObject({ steps: [], error: { code: 'MIGRATION_CHANGED' } })
    expect(steps(planUp(standing, all, { allowChanged: true }))).toEqual(['002_b', '004_d'])
  })

  it('applies older ones unless the order is strict, and only as far as it is told', () => {
    const strict = { allowChanged: true, strictOrder: true }
    expect(planUp(standing, all, strict)).toMatchObject({
      steps: [],
      error: { code: 'OUT_OF_ORDER', context: { migrations: ['002_b'] } },
    })
    expect(planUp(standing, all, { ...strict, to: a })).toEqual({ steps: [], error: null })
    expect(steps(planUp(standing, all, { allowChanged: true, to: c }))).toEqual(['002_b'])
  })
})

describe('planDown', () => {
  const applied = readStanding(all, snapshot(['001_a', '003_c', '002_b'].map((key) => row(key))), shape)

  it('goes back from the latest application', () => {
    expect(steps(planDown(applied, all))).toEqual(['002_b'])
    expect(steps(planDown(applied, all, { steps: 2 }))).toEqual(['002_b', '003_c'])
    expect(steps(planDown(applied, all, { steps: 9 }))).toEqual(['002_b', '003_c', '001_a'])
    expect(steps(planDown(applied, all, { steps: 0 }))).toEqual([])
    expect(planDown(applied, all).steps[0]?.direction).toBe('down')
  })

  it('undoes exactly the ones given, as far as they are applied', () => {
    expect(steps(planDown(applied, all, { only: ['001_a', '002_b', '004_d'] }))).toEqual(['002_b', '001_a'])
    expect(steps(planDown(applied, all, { only: [] }))).toEqual([])
    const orphan = readStanding([a], snapshot(['001_a', '002_b.sql'].map((key) => row(key))), shape)
    expect(planDown(orphan, [a], { only: ['001_a'] }).error).toBeNull()
    expect(planDown(orphan, [a], { only: ['001_a', '002_b'] }).error?.code).toBe('UNDO_MISSING')
    const half = readStanding(
      all,
      snapshot([row('001_a'), row('003_c')], [record('003_c', c.checksum, 'undoing')]),
      shape,
    )
    expect(steps(planDown(half, all, { only: ['001_a', '003_c'] }))).toEqual(['003_c', '001_a'])
    expect(planDown(half, all, { only: ['001_a'] }).error?.code).toBe('MIGRATION_HALF_APPLIED')
  })

  it('undoes what comes after a migration in the folder, also one that is not applied itself', () => {
    expect(steps(planDown(applied, all, { to: a }))).toEqual(['002_b', '003_c'])
    expect(steps(planDown(applied, all, { to: b }))).toEqual(['003_c'])
    expect(planDown(applied, all, { to: d })).toEqual({ steps: [], error: null })
  })

  it('undoes a named one exactly, and nothing where it is not applied', () => {
    expect(steps(planDown(applied, all, { migration: a }))).toEqual(['001_a'])
    expect(planDown(applied, all, { migration: d })).toEqual({ steps: [], error: null })
    expect(planDown(readStanding(all, snapshot([]), shape), all)).toEqual({ steps: [], error: null })
  })

  it('refuses as a whole when an undo is missing, naming all', () => {
    const bare = [{ ...a, down: null }, b, { ...c, down: null }]
    const standing = readStanding(bare, applied.snapshot, shape)
    expect(planDown(standing, bare, { steps: 3 })).toMatchObject({
      steps: [],
      error: {
        code: 'UNDO_MISSING',
        // Half of the formats have it in the file itself.
        hint: expect.stringContaining('-- migrate:down'),
        context: { migrations: ['003_c', '001_a'] },
      },
    })
    expect(steps(planDown(standing, bare))).toEqual(['002_b'])
  })

  it('does not pass over a later row without a file', () => {
    const standing = readStanding(all, snapshot(['001_a', '002_b', '900_gone'].map((key) => row(key))), shape)
    expect(planDown(standing, all).error).toMatchObject({
      code: 'UNDO_MISSING',
      message: expect.stringContaining('900_gone'),
    })
    expect(planDown(standing, all, { to: a }).error?.code).toBe('UNDO_MISSING')
    expect(steps(planDown(standing, all, { migration: b }))).toEqual(['002_b'])
  })

  it('asks for the rename first', () => {
    const standing = readStanding(all, snapshot([row('001_a'), row('old', b.checksum)]), shape)
    for (const options of [{}, { migration: b }, { to: a }]) {
      expect(planDown(standing, all, options).error?.hint).toContain('--rename')
    }
    expect(steps(planDown(standing, all, { migration: a }))).toEqual(['001_a'])
  })

  it('refuses only the changed files that it would undo', () => {
    const standing = readStanding(all, snapshot([row('001_a', digest('x')), row('002_b', b.checksum)]), shape)
    expect(steps(planDown(standing, all))).toEqual(['002_b'])
    expect(planDown(standing, all, { steps: 2 }).error?.code).toBe('MIGRATION_CHANGED')
    expect(steps(planDown(standing, all, { steps: 2, allowChanged: true }))).toEqual(['002_b', '001_a'])
  })
})

describe('properties', () => {
  const content = fc.constantFrom('x', 'y', 'z', 'long')
  const folder = fc
    .uniqueArray(fc.tuple(fc.integer({ min: 1, max: 12 }), content), { selector: ([number]) => number, maxLength: 8 })
    .map((files) => files.sort(([x], [y]) => x - y).map(([number, text]) => migration(`${number}_m`, text)))
  const key = fc.integer({ min: 1, max: 14 }).chain((n) => fc.constantFrom(`${n}_m`, `${n}_m.sql`, `${n}`, `${n}_gone`))
  const entry = fc.record({
    key,
    checksum: fc.option(fc.oneof(content.map(digest), fc.constantFrom('md5x', 'foreign', digest('other')))),
    state: fc.constantFrom<HistoryEntry['state']>('applied', 'applied', 'applied', 'failed'),
  })
  const ledgerRow = fc
    .record({
      n: fc.integer({ min: 1, max: 14 }),
      checksum: content.map(digest),
      state: fc.constantFrom<LedgerEntry['state']>('applied', 'running', 'undoing', 'undone'),
    })
    .map(({ n, checksum, state }) => record(`${n}_m`, checksum, state))
  const history = fc
    .tuple(
      fc.uniqueArray(entry, { selector: (one) => one.key, maxLength: 8 }),
      fc.uniqueArray(ledgerRow, { selector: (one) => one.migration, maxLength: 5 }),
    )
    .map(([entries, ledger]) => snapshot(entries, ledger))
  const kind = fc.constantFrom(shape, prisma)

  it('puts every migration in exactly one place', () => {
    fc.assert(
      fc.property(folder, history, kind, (files, state, kindOf) => {
        const standing = readStanding(files, state, kindOf)
        const known = new Set(ids(files))
        const places = [
          ...ids(standing.applied),
          ...ids(standing.pending),
          ...standing.renamed.map((one) => one.to),
          ...standing.halfDone.map((half) => half.migration).filter((id) => known.has(id)),
        ]
        expect(places.sort()).toEqual(ids(files).sort())
        expect(new Set(standing.appliedOrder)).toEqual(new Set(standing.applied))
        expect(standing.pending).toEqual(expect.arrayContaining([...standing.outOfOrder]))
        expect(standing.changed.filter((one) => standing.unverified.includes(one))).toEqual([])
      }),
    )
  })

  it('never plans what is applied, and undoes only what was begun', () => {
    fc.assert(
      fc.property(folder, history, kind, fc.nat(4), (files, state, kindOf, count) => {
        const standing = readStanding(files, state, kindOf)
        const up = planUp(standing, files, { allowChanged: true })
        expect(up.steps.filter((step) => standing.applied.includes(step.migration))).toEqual([])
        const begun = new Set(standing.halfDone.map((half) => half.migration))
        for (const step of planDown(standing, files, { steps: count, allowChanged: true }).steps) {
          expect(standing.applied.includes(step.migration) || begun.has(step.migration.id)).toBe(true)
        }
      }),
    )
  })

  it('finds the same pending in whatever order rows come', () => {
    fc.assert(
      fc.property(
        history.chain((state) =>
          fc.tuple(
            fc.constant(state),
            fc.shuffledSubarray([...state.entries], { minLength: state.entries.length }),
            fc.shuffledSubarray([...state.ledger], { minLength: state.ledger.length }),
          ),
        ),
        folder,
        kind,
        ([state, entries, ledger], files, kindOf) => {
          const one = readStanding(files, state, kindOf)
          const other = readStanding(files, { ...state, entries, ledger }, kindOf)
          expect(other.pending).toEqual(one.pending)
          expect(other.renamed).toEqual(one.renamed)
          expect(other.outOfOrder).toEqual(one.outOfOrder)
        },
      ),
    )
  })

  it('has nothing left to do after a plan was carried out', () => {
    fc.assert(
      fc.property(folder, history, kind, (files, state, kindOf) => {
        const standing = readStanding(files, state, kindOf)
        const plan = planUp(standing, files, { allowChanged: true })
        fc.pre(plan.error === null)
        const done = plan.steps.map(({ migration: one }) => one)
        const after = readStanding(
          files,
          snapshot(
            [
              // The row by which the tool tells what is begun goes when the one comes that says "applied".
              ...state.entries.filter(
                ({ state, key }) => state === 'applied' || !done.some((one) => one.keys.includes(key)),
              ),
              ...done.map((one) => row(spellKey(one, standing.keyStyle), one.checksum)),
            ],
            [
              ...state.ledger.filter((one) => !ids(done).includes(one.migration)),
              ...done.map((one) => record(one.id, one.checksum)),
            ],
          ),
          kindOf,
        )
        expect(planUp(after, files, { allowChanged: true })).toEqual({ steps: [], error: null })
        expect(ids(after.applied)).toEqual(expect.arrayContaining(ids(done)))
        expect(after.changed).toEqual(standing.changed)
      }),
    )
  })
})
