import type { BlockRule, TransactionControl } from './classify.ts'
import type { EnumTrap } from './enum-trap.ts'
import type { Finding } from './refuse.ts'

/** What the layout needs to know of a statement. */
export interface Member {
  /** `CREATE INDEX CONCURRENTLY`. */
  kind: string
  line: number
  control: TransactionControl | null
  /** It begins a new transaction as it ends one (`COMMIT AND CHAIN`). */
  chain: boolean
  rule: BlockRule
  /** `SET`, `RESET`: may stand outside the file's own BEGIN … COMMIT without meaning anything by it. */
  isSetting: boolean
  isCall: boolean
  /** It is left out of the script. */
  dropped: boolean
}

/** Statements that are carried out together, as positions in the list. */
export interface Cut {
  kind: 'transaction' | 'autocommit'
  members: readonly number[]
  exclusive: boolean
  /** The file rolls these back: position of its ROLLBACK. null: they stay. */
  rolledBackAt: number | null
}

export interface Layout {
  mode: 'transaction' | 'steps'
  reason: string
  cuts: readonly Cut[]
  notices: readonly Finding[]
  problems: readonly Finding[]
}

const isOuterBegin = (members: readonly Member[], at: number) =>
  members.slice(0, at).every((member) => member.isSetting)
const isOuterEnd = (members: readonly Member[], at: number) => members.slice(at + 1).every((member) => member.isSetting)

/** The file's transaction control says no more than "one transaction". */
function isOneBlock(members: readonly Member[], controls: readonly number[]): boolean {
  const [first, second, third] = controls
  if (first === undefined) return true
  const is = (at: number | undefined, control: TransactionControl) =>
    at !== undefined && members[at]?.control === control && !members[at]?.chain
  if (third !== undefined) return false
  if (second !== undefined) {
    return is(first, 'begin') && is(second, 'commit') && isOuterBegin(members, first) && isOuterEnd(members, second)
  }
  return (is(first, 'begin') && isOuterBegin(members, first)) || (is(first, 'commit') && isOuterEnd(members, first))
}

const at = (member: Member) => `${member.kind} (line ${member.line})`

function explainObstacle(member: Member): string {
  if (member.rule.verdict === 'commits') return `${at(member)} commits by itself`
  if (member.rule.because !== null) return `${at(member)} cannot run in a transaction block ${member.rule.because}`
  return `${at(member)} cannot run in a transaction block`
}

function explainOne(count: number): string {
  if (count === 0) return 'one transaction: the file has no statements'
  if (count === 1) return 'one transaction: its only statement can run in a transaction block'
  return `one transaction: all ${count} statements can run in a transaction block`
}

const openTransaction = (member: Member): Finding => ({
  rule: 'open-transaction',
  message: `${at(member)} is never followed by COMMIT; the migration is committed at the end of the file`,
  hint: 'add COMMIT, or remove BEGIN: tenantry opens the transaction itself',
  line: member.line,
})

type Style = 'single' | 'grouped'

/** Ends a transaction's statements into cuts; labels added to enums are committed before they are used. */
function cutTransaction(open: readonly number[], traps: readonly EnumTrap[]): Cut[] {
  const cuts: Cut[] = []
  const push = (members: readonly number[]) => {
    if (members.length > 0) cuts.push({ kind: 'transaction', members, exclusive: false, rolledBackAt: null })
  }
  let rest = open
  for (const { added, used } of traps) {
    const place = rest.indexOf(added)
    if (place === -1 || !rest.includes(used)) continue
    push(rest.slice(0, place))
    push([added])
    rest = rest.slice(place + 1)
  }
  push(rest)
  return cuts
}

function refusedInBlock(member: Member, begin: Member): Finding {
  return {
    rule: 'refused-in-block',
    message: `${explainObstacle(member)}, but the file puts it in one (BEGIN, line ${begin.line})`,
    hint: 'move it out of BEGIN … COMMIT',
    line: member.line,
  }
}

function leavesPrepared(member: Member): Finding {
  return {
    rule: 'prepared-transaction',
    message: `${at(member)} leaves a transaction that this migration could not be recorded in`,
    hint: 'use COMMIT',
    line: member.line,
  }
}

function rolledBack(first: Member | undefined, last: Member): Finding {
  const line = first?.line ?? last.line
  const message = `what the file does from line ${line} takes no effect: it rolls that back in line ${last.line}`
  return { rule: 'rolled-back', message, line }
}

/**
 * Goes through the file as the server would. Outside explicit blocks, `single` gives every statement a transaction of
 * its own, and `grouped` keeps together what stands between two ends of a transaction.
 */
function cutSteps(
  members: readonly Member[],
  traps: readonly EnumTrap[],
  style: Style,
  callsCommit: boolean,
): Pick<Layout, 'cuts' | 'notices' | 'problems'> {
  const cuts: Cut[] = []
  const notices: Finding[] = []
  const problems: Finding[] = []
  let open: number[] = []
  let block: Member | null = null

  const commit = () => {
    cuts.push(...cutTransaction(open, traps))
    open = []
  }
  const rollBack = (position: number, member: Member) => {
    if (open.length === 0) return
    notices.push(rolledBack(members[open[0] ?? position], member))
    cuts.push({ kind: 'transaction', members: open, exclusive: false, rolledBackAt: position })
    open = []
  }
  const runAlone = (position: number, kind: Cut['kind'], exclusive: boolean) => {
    commit()
    cuts.push({ kind, members: [position], exclusive, rolledBackAt: null })
  }

  for (const [position, member] of members.entries()) {
    const { control, rule } = member
    if (member.dropped) continue
    if (control === 'begin') {
      // A second BEGIN inside a block is no more than a warning of the server.
      if (!block) commit()
      block ??= member
    } else if (control === 'commit' || control === 'rollback') {
      if (control === 'commit') commit()
      else rollBack(position, member)
      block = member.chain ? member : null
    } else if (control === 'prepare') problems.push(leavesPrepared(member))
    else if (block) {
      if (rule.verdict === 'refused' || rule.verdict === 'commits') problems.push(refusedInBlock(member, block))
      open.push(position)
    } else if (rule.verdict !== 'allowed') runAlone(position, 'autocommit', rule.exclusive)
    else if (callsCommit && member.isCall) runAlone(position, 'autocommit', false)
    else if (style === 'single') runAlone(position, 'transaction', false)
    else open.push(position)
  }
  commit()
  if (block) notices.push(openTransaction(block))
  return { cuts, notices, problems }
}

function explainTrap(members: readonly Member[], { label, added, used }: EnumTrap): string {
  const lines = `is added in line ${members[added]?.line} and used in line ${members[used]?.line}`
  return `enum label '${label}' ${lines}, which PostgreSQL allows only after a COMMIT`
}

const inTransactions = (count: number) => (count === 1 ? 'in one transaction' : `in ${count} transactions`)

/** Decides how a file is carried out. Pure: it looks at nothing but its arguments. */
export function layOut(members: readonly Member[], traps: readonly EnumTrap[], noTransaction: boolean): Layout {
  const controls = [...members.keys()].filter((position) => members[position]?.control != null)
  const statements = [...members.keys()].filter(
    (position) => members[position]?.control == null && !members[position]?.dropped,
  )
  const obstacle = members.find((member) => member.rule.verdict !== 'allowed')
  const oneBlock = isOneBlock(members, controls)
  const trap = traps[0]
  if (statements.length === 0 || (oneBlock && !noTransaction && !obstacle && !trap)) {
    const first = members[controls[0] ?? -1]
    return {
      mode: 'transaction',
      reason: explainOne(statements.length),
      cuts: [{ kind: 'transaction', members: statements, exclusive: false, rolledBackAt: null }],
      notices: controls.length === 1 && first?.control === 'begin' ? [openTransaction(first)] : [],
      problems: [],
    }
  }
  const firstControl = members[controls[0] ?? -1]
  const leavesWrapper = firstControl !== undefined && firstControl.control !== 'begin'
  const splitsForTrap = oneBlock && !obstacle && trap !== undefined
  const style: Style = !noTransaction && (leavesWrapper || splitsForTrap) ? 'grouped' : 'single'
  const { cuts, notices, problems } = cutSteps(members, traps, style, noTransaction)
  const explain = (): string => {
    if (noTransaction) return 'statement by statement: the file asks for no transaction'
    if (obstacle && controls.length === 0) return `statement by statement: ${explainObstacle(obstacle)}`
    if (obstacle) return `in ${cuts.length === 1 ? 'one step' : `${cuts.length} steps`}: ${explainObstacle(obstacle)}`
    if (splitsForTrap) return `${inTransactions(cuts.length)}: ${explainTrap(members, trap)}`
    if (firstControl && leavesWrapper)
      return `${inTransactions(cuts.length)}: ${at(firstControl)} ends the wrapping one`
    return `${inTransactions(cuts.length)}: the file has its own (from line ${firstControl?.line})`
  }
  return { mode: 'steps', reason: explain(), cuts, notices, problems }
}
