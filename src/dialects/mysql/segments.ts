import type { Finding } from '../finding.ts'
import type { CommitRule, TransactionControl } from './classify.ts'

/** What the layout needs to know of a statement. */
export interface Member {
  /** `ALTER TABLE`. */
  kind: string
  line: number
  control: TransactionControl | null
  /** It begins a new transaction as it ends one (`COMMIT AND CHAIN`). */
  chain: boolean
  rule: CommitRule
  /** `SET`: may stand outside the file's own START TRANSACTION … COMMIT without meaning anything by it. */
  isSetting: boolean
  /** It is left out of the script. */
  dropped: boolean
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

function explainObstacle(member: Member): string {
  const { verdict, because } = member.rule
  return verdict === 'commits' ? `${at(member)} commits by itself` : `${at(member)} may commit by itself, ${because}`
}

function explainOne(count: number): string {
  if (count === 0) return 'one transaction: the file has no statements'
  if (count === 1) return 'one transaction: its only statement commits nothing'
  return `one transaction: none of its ${count} statements commits`
}

const openTransaction = (member: Member): Finding => ({
  rule: 'open-transaction',
  message: `${at(member)} is never followed by COMMIT; the migration is committed at the end of the file`,
  hint: 'add COMMIT, or remove it: tenantry opens the transaction itself',
  line: member.line,
})

const commitsInBlock = (member: Member, block: Member): Finding => ({
  rule: 'commits-in-block',
  message: `${explainObstacle(member)}, and with it what the file did since ${at(block)}: it is not all or nothing`,
  hint: 'put statements that commit before or after the transaction',
  line: member.line,
})

const rolledBack = (member: Member): Finding => ({
  rule: 'rollback',
  message: `${at(member)} would take back what the file did before it, so that there is nothing to record`,
  hint: 'remove what is rolled back; when a statement fails, tenantry rolls back by itself',
  line: member.line,
})

const xa = (member: Member): Finding => ({
  rule: 'xa-transaction',
  message: `XA (line ${member.line}) leaves a transaction that this migration could not be recorded in`,
  hint: 'use START TRANSACTION and COMMIT',
  line: member.line,
})

/** Goes through the file as the server would. */
function cut(members: readonly Member[], apart: boolean): Pick<Layout, 'cuts' | 'notices' | 'problems'> {
  const cuts: { kind: Cut['kind']; members: number[] }[] = []
  const notices: Finding[] = []
  const problems: Finding[] = []
  let open: number[] = []
  /** The statement that opened the file's own transaction. */
  let block: Member | null = null
  /** With autocommit switched off, the end of a transaction is the beginning of the next. */
  let endless: Member | null = null

  const onlySettings = () => open.every((position) => members[position]?.isSetting)
  const commit = () => {
    const last = cuts.at(-1)
    if (open.length === 0) return
    // Settings alone are no reason for a transaction of their own.
    if (onlySettings() && last?.kind === 'transaction') last.members.push(...open)
    else cuts.push({ kind: 'transaction', members: open })
    open = []
  }

  for (const [position, member] of members.entries()) {
    const { control, rule } = member
    if (member.dropped) continue
    switch (control) {
      case 'begin':
      case 'autocommit-off':
        if (!onlySettings()) commit()
        block = member
        if (control === 'autocommit-off') endless = member
        break
      case 'commit':
      case 'autocommit-on':
        commit()
        if (control === 'autocommit-on') endless = null
        block = member.chain ? member : endless
        break
      case 'rollback':
        if (block && open.length > 0) problems.push(rolledBack(member))
        commit()
        block = endless
        break
      case 'xa':
        problems.push(xa(member))
        break
      default:
        if (rule.verdict !== 'stays') {
          if (block && notices.every((notice) => notice.rule !== 'commits-in-block')) {
            notices.push(commitsInBlock(member, block))
          }
          commit()
          cuts.push({ kind: 'autocommit', members: [position] })
          block = endless
        } else {
          open.push(position)
          if (apart && !block) commit()
        }
    }
  }
  const leftOpen = open.length > 0 && block
  commit()
  if (leftOpen) notices.push(openTransaction(leftOpen))
  return { cuts, notices, problems }
}

/** Decides how a file is carried out. Pure: it looks at nothing but its arguments. */
export function layOut(members: readonly Member[], noTransaction: boolean): Layout {
  const found = cut(members, noTransaction)
  const { cuts } = found
  const count = cuts.reduce((sum, { members: own }) => sum + own.length, 0)
  if (cuts.length === 0)
    return { ...found, mode: 'transaction', reason: explainOne(0), cuts: [{ kind: 'transaction', members: [] }] }
  const obstacle = members.find(
    (member) => !member.dropped && member.control === null && member.rule.verdict !== 'stays',
  )
  if (!obstacle && !noTransaction && cuts.length === 1)
    return { ...found, mode: 'transaction', reason: explainOne(count) }
  const explain = (): string => {
    if (noTransaction) return 'statement by statement: the file asks for no transaction'
    if (obstacle) return `in ${cuts.length === 1 ? 'one step' : `${cuts.length} steps`}: ${explainObstacle(obstacle)}`
    const control = members.find((member) => member.control !== null)
    return `in ${cuts.length} transactions: the file has its own (from line ${control?.line})`
  }
  return { ...found, mode: 'steps', reason: explain() }
}
