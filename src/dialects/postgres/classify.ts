import { bodyCommits, readCodeBody } from './code-body.ts'
import type { ParsedStatement } from './parse.ts'
import { branch, branches, isOn, readOptions, type Tree, word } from './tree.ts'

/** Whether a statement can run in a transaction block. */
export interface BlockRule {
  /**
   * `refused`: never in a block (SQLSTATE 25001). `may-be-refused`: it depends on the catalog; `because` says on what.
   * `commits`: a `DO` that ends transactions itself (2D000 in a block).
   */
  verdict: 'allowed' | 'refused' | 'may-be-refused' | 'commits'
  /** It waits for all running statements of its database. */
  exclusive: boolean
  /** `if the table is partitioned`; null where the statement alone decides. */
  because: string | null
}

const allowed: BlockRule = { verdict: 'allowed', exclusive: false, because: null }
const refused: BlockRule = { verdict: 'refused', exclusive: false, because: null }
const refusedAlone: BlockRule = { verdict: 'refused', exclusive: true, because: null }
const commits: BlockRule = { verdict: 'commits', exclusive: false, because: null }

function mayBeRefused(because: string): BlockRule {
  return { verdict: 'may-be-refused', exclusive: false, because }
}

function judgeReindex(node: Tree): BlockRule {
  if (isOn(readOptions(node, 'params').get('concurrently'))) return refusedAlone
  const kind = word(node, 'kind')
  if (kind === 'REINDEX_OBJECT_TABLE') return mayBeRefused('if the table is partitioned')
  if (kind === 'REINDEX_OBJECT_INDEX') return mayBeRefused('if the index is partitioned')
  return refused
}

function judgeDetach(node: Tree): BlockRule {
  for (const item of branches(node, 'cmds')) {
    const command = branch(item, 'AlterTableCmd')
    if (word(command, 'subtype') !== 'AT_DetachPartition') continue
    if (branch(branch(command, 'def'), 'PartitionCmd').concurrent === true) return refusedAlone
  }
  return allowed
}

function judgeNewSubscription(node: Tree): BlockRule {
  const options = readOptions(node)
  const switchedOff = (name: string) => options.has(name) && !isOn(options.get(name))
  return switchedOff('connect') || switchedOff('create_slot') ? allowed : refused
}

function judgeSubscription(node: Tree): BlockRule {
  const options = readOptions(node)
  switch (word(node, 'kind')) {
    case 'ALTER_SUBSCRIPTION_REFRESH':
      return refused
    case 'ALTER_SUBSCRIPTION_SET_PUBLICATION':
    case 'ALTER_SUBSCRIPTION_ADD_PUBLICATION':
    case 'ALTER_SUBSCRIPTION_DROP_PUBLICATION':
      if (options.has('refresh') && !isOn(options.get('refresh'))) return allowed
      return mayBeRefused('if the subscription is enabled')
    case 'ALTER_SUBSCRIPTION_OPTIONS':
      if (options.has('failover')) return refused
      return options.has('two_phase') ? mayBeRefused('if the subscription has a slot') : allowed
    default:
      return allowed
  }
}

/**
 * From every use of PreventInTransactionBlock in the sources of PostgreSQL 15 and 18. What depends on the catalog is
 * told apart, since a file alone cannot say whether a table is partitioned.
 */
export function judgeStatement(statement: Pick<ParsedStatement, 'type' | 'node'>): BlockRule {
  const { type, node } = statement
  switch (type) {
    case 'IndexStmt':
    case 'DropStmt':
      return node.concurrent === true ? refusedAlone : allowed
    case 'ReindexStmt':
      return judgeReindex(node)
    case 'AlterTableStmt':
      return judgeDetach(node)
    case 'VacuumStmt':
      return node.is_vacuumcmd === true ? refused : allowed
    case 'ClusterStmt':
      return 'relation' in node ? mayBeRefused('if the table is partitioned') : refused
    case 'CreatedbStmt':
    case 'DropdbStmt':
    case 'CreateTableSpaceStmt':
    case 'DropTableSpaceStmt':
    case 'AlterSystemStmt':
      return refused
    case 'AlterDatabaseStmt':
      return readOptions(node).has('tablespace') ? refused : allowed
    case 'DiscardStmt':
      return word(node, 'target') === 'DISCARD_ALL' ? refused : allowed
    case 'TransactionStmt':
      return ['TRANS_STMT_COMMIT_PREPARED', 'TRANS_STMT_ROLLBACK_PREPARED'].includes(word(node, 'kind') ?? '')
        ? refused
        : allowed
    case 'CreateSubscriptionStmt':
      return judgeNewSubscription(node)
    case 'AlterSubscriptionStmt':
      return judgeSubscription(node)
    case 'DropSubscriptionStmt':
      return mayBeRefused('if the subscription has a slot')
    case 'DoStmt': {
      const body = readCodeBody(statement)
      return body && bodyCommits(body) ? commits : allowed
    }
    default:
      return allowed
  }
}

/** Ends or begins a transaction; null: it does neither (savepoints stay inside theirs). */
export type TransactionControl = 'begin' | 'commit' | 'rollback' | 'prepare'

export function readControl({ type, node }: Pick<ParsedStatement, 'type' | 'node'>): TransactionControl | null {
  if (type !== 'TransactionStmt') return null
  switch (word(node, 'kind')) {
    case 'TRANS_STMT_BEGIN':
    case 'TRANS_STMT_START':
      return 'begin'
    case 'TRANS_STMT_COMMIT':
      return 'commit'
    case 'TRANS_STMT_ROLLBACK':
      return 'rollback'
    case 'TRANS_STMT_PREPARE':
      return 'prepare'
    default:
      return null
  }
}
