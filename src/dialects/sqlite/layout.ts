import type { Finding } from '../finding.ts'
import type { TransactionControl, Verdict } from './classify.ts'

/** What the layout needs to know of a statement. */
export interface Member {
  /** `ALTER TABLE`. */
  kind: string
  line: number
  control: TransactionControl | null
  verdict: Verdict['verdict']
}

/** Statements that are carried out together, as positions in the list. */
export interface Cut {
  kind: 'transaction' | 'autocommit'
  members: readonly number[]
}

export interface Layout {
  mode: 'transaction' | 'steps'
  reason: string
  cuts: readonly Cut[]
  notices: readonly Finding[]
  problems: readonly Finding[]
}

const at = (member: Member) => `${member.kind} (line ${member.line})`

const openTransaction = (member: Member): Finding => ({
  rule: 'open-transaction',
  message: `${at(member)} is never followed by COMMIT; the migration is committed at the end of the file`,
  hint: 'add COMMIT, or remove BEGIN: tenantry opens the transaction itself',
  line: member.line,
})

const refusedInBlock = (member: Member, begin: Member): Finding => ({
  rule: 'refused-in-block',
  message: `${at(member)} cannot run in a transaction, but the file puts it in one (BEGIN, line ${begin.line})`,
  hint: 'move it out of BEGIN … COMMIT',
  line: member.line,
})

const rolledBack = (member: Member): Finding => ({
  rule: 'rollback',
  message: `${at(member)} would take back what the file did before it, so that there is nothing to record`,
  hint: 'remove what is rolled back; when a statement fails, tenantry rolls back by itself',
  line: member.line,
})

const isCarriedOut = ({ control, verdict }: Member) => control === null && (verdict === 'stays' || verdict === 'alone')

function explainOne(count: number): string {
  if (count === 0) return 'one transaction: the file has no statements'
  if (count === 1) return 'one transaction: its only statement can run in one'
  return `one transaction: all ${count} statements can run in one`
}

/** Goes through the file as SQLite would. What stands between two ends of a transaction stays together. */
function cut(members: readonly Member[], apart: boolean): Pick<Layout, 'cuts' | 'notices' | 'problems'> {
  const cuts: Cut[] = []
  const notices: Finding[] = []
  const problems: Finding[] = []
  let open: number[] = []
  let block: Member | null = null

  const commit = () => {
    if (open.length > 0) cuts.push({ kind: 'transaction', members: open })
    open = []
  }

  for (const [position, member] of members.entries()) {
    if (member.control === 'begin') {
      if (block === null) commit()
      block ??= member
    } else if (member.control !== null) {
      if (member.control === 'rollback' && open.length > 0) problems.push(rolledBack(member))
      commit()
      block = null
    } else if (member.verdict === 'alone') {
      if (block !== null) problems.push(refusedInBlock(member, block))
      commit()
      cuts.push({ kind: 'autocommit', members: [position] })
    } else if (isCarriedOut(member)) {
      open.push(position)
      if (apart && block === null) commit()
    }
  }
  commit()
  if (block !== null) notices.push(openTransaction(block))
  return { cuts, notices, problems }
}

/** Decides how a file is carried out. Pure: it looks at nothing but its arguments. */
export function layOut(members: readonly Member[], noTransaction: boolean): Layout {
  const found = cut(members, noTransaction)
  const count = members.filter(isCarriedOut).length
  const isOne = found.cuts.length === 1 && found.cuts[0]?.kind === 'transaction'
  if (count === 0) {
    return { ...found, mode: 'transaction', reason: explainOne(0), cuts: [{ kind: 'transaction', members: [] }] }
  }
  if (isOne && !noTransaction) return { ...found, mode: 'transaction', reason: explainOne(count) }
  const explain = (): string => {
    if (noTransaction) return 'statement by statement: the file asks for no transaction'
    const alone = members.find(({ verdict }) => verdict === 'alone')
    const steps = found.cuts.length === 1 ? 'one step' : `${found.cuts.length} steps`
    if (alone !== undefined) return `in ${steps}: ${at(alone)} cannot run in a transaction`
    const control = members.find((member) => member.control !== null)
    return `in ${found.cuts.length} transactions: the file has its own (from line ${control?.line})`
  }
  return { ...found, mode: 'steps', reason: explain() }
}
