import type { AlterSeqStmt, Node } from 'libpg-query'
import {
  askAlterEnum,
  askCreateComposite,
  askCreateDomain,
  askCreateEnum,
  askCreateExtension,
  askCreateFunction,
  askCreateNamed,
  askCreatePolicy,
  askCreateRange,
  askCreateRule,
  askCreateSchema,
  askCreateSequence,
  askCreateTrigger,
  askDefine,
} from './probe-creates.ts'
import {
  askAlterDatabase,
  askCreateDatabase,
  askDropDatabase,
  askDropRoles,
  askTransaction,
} from './probe-databases.ts'
import { askDrop, askRename, askSetSchema } from './probe-drops.ts'
import { askCreateIndex, askReindex } from './probe-indexes.ts'
import { listStrings, nameOfParts } from './probe-sql.ts'
import { askAlterTable, askCreateTable, askCreateTableAs, askCreateView } from './probe-tables.ts'
import { type Question, repeat, unknown } from './probe-verdict.ts'

/** Statements that do the same when they run a second time, and why. */
const repeatable: Record<string, string> = {
  VacuumStmt: 'vacuuming or analyzing again is harmless',
  ClusterStmt: 'clustering again is harmless',
  RefreshMatViewStmt: 'refreshing again is harmless',
  DiscardStmt: 'what it discards ended with its session',
  VariableSetStmt: 'a setting of a session ended with it',
  LockStmt: 'the lock ended with its session',
  CheckPointStmt: 'a checkpoint can be made again',
  LoadStmt: 'a library can be loaded again',
  AlterSystemStmt: 'setting it again changes nothing more',
  AlterDatabaseSetStmt: 'setting it again changes nothing more',
  AlterDatabaseRefreshCollStmt: 'refreshing again is harmless',
  AlterRoleStmt: 'setting it again changes nothing more',
  AlterRoleSetStmt: 'setting it again changes nothing more',
  AlterDefaultPrivilegesStmt: 'setting it again changes nothing more',
  AlterPolicyStmt: 'setting it again changes nothing more',
  AlterOwnerStmt: 'setting it again changes nothing more',
  AlterFunctionStmt: 'setting it again changes nothing more',
  AlterTableSpaceOptionsStmt: 'setting it again changes nothing more',
  AlterTableMoveAllStmt: 'what was moved stays moved',
  AlterExtensionStmt: 'an extension that is up to date stays as it is',
  AlterStatsStmt: 'setting it again changes nothing more',
  CommentStmt: 'setting a comment again is harmless',
  SecLabelStmt: 'setting a label again is harmless',
  GrantStmt: 'granting or revoking again is harmless',
  GrantRoleStmt: 'granting or revoking again is harmless',
  ReassignOwnedStmt: 'what was reassigned stays so',
  DropOwnedStmt: 'what was dropped stays so',
}

const changesRows = new Set([
  'InsertStmt',
  'UpdateStmt',
  'DeleteStmt',
  'MergeStmt',
  'TruncateStmt',
  'CopyStmt',
  'CallStmt',
  'DoStmt',
])

/** Setting options is harmless; a restart would give numbers out twice that were taken since. */
function askAlterSequence(statement: AlterSeqStmt): Question {
  const restarts = (statement.options ?? []).some((node) => 'DefElem' in node && node.DefElem.defname === 'restart')
  return restarts
    ? unknown('it restarts a sequence; whether it ran cannot be seen in the catalog')
    : repeat('setting it again changes nothing more')
}

function named(name: string | undefined): { schema: null; name: string } {
  return { schema: null, name: name ?? '' }
}

/** What to ask the catalog about a statement. Pure. */
export function checksFor(node: Node): Question {
  const type = Object.keys(node)[0] ?? ''
  const reason = repeatable[type]
  if (reason !== undefined) return repeat(reason)
  if (changesRows.has(type)) return unknown('it changes rows; whether it ran cannot be seen in the catalog')
  if ('IndexStmt' in node) return askCreateIndex(node.IndexStmt)
  if ('ReindexStmt' in node) return askReindex(node.ReindexStmt)
  if ('CreateStmt' in node) return askCreateTable(node.CreateStmt)
  if ('CreateForeignTableStmt' in node) return askCreateTable(node.CreateForeignTableStmt.base ?? {})
  if ('CreateTableAsStmt' in node) return askCreateTableAs(node.CreateTableAsStmt)
  if ('ViewStmt' in node) return askCreateView(node.ViewStmt)
  if ('AlterTableStmt' in node) return askAlterTable(node.AlterTableStmt)
  if ('DropStmt' in node) return askDrop(node.DropStmt)
  if ('RenameStmt' in node) return askRename(node.RenameStmt)
  if ('AlterObjectSchemaStmt' in node) return askSetSchema(node.AlterObjectSchemaStmt)
  if ('CreateSeqStmt' in node) return askCreateSequence(node.CreateSeqStmt)
  if ('AlterSeqStmt' in node) return askAlterSequence(node.AlterSeqStmt)
  if ('CreateEnumStmt' in node) return askCreateEnum(node.CreateEnumStmt)
  if ('AlterEnumStmt' in node) return askAlterEnum(node.AlterEnumStmt)
  if ('CompositeTypeStmt' in node) return askCreateComposite(node.CompositeTypeStmt)
  if ('CreateRangeStmt' in node) return askCreateRange(node.CreateRangeStmt)
  if ('CreateDomainStmt' in node) return askCreateDomain(node.CreateDomainStmt)
  if ('CreateSchemaStmt' in node) return askCreateSchema(node.CreateSchemaStmt)
  if ('CreateExtensionStmt' in node) return askCreateExtension(node.CreateExtensionStmt)
  if ('CreateFunctionStmt' in node) return askCreateFunction(node.CreateFunctionStmt)
  if ('CreateTrigStmt' in node) return askCreateTrigger(node.CreateTrigStmt)
  if ('CreatePolicyStmt' in node) return askCreatePolicy(node.CreatePolicyStmt)
  if ('RuleStmt' in node) return askCreateRule(node.RuleStmt)
  if ('DefineStmt' in node) return askDefine(node.DefineStmt)
  if ('SelectStmt' in node) return askSelect(node.SelectStmt.intoClause !== undefined, node)
  return checksForServer(node)
}

function askSelect(into: boolean, node: Node): Question {
  if (!into || !('SelectStmt' in node))
    return unknown('it may change rows; whether it ran cannot be seen in the catalog')
  const { intoClause } = node.SelectStmt
  return askCreateTableAs({ query: node, objtype: 'OBJECT_TABLE', ...(intoClause && { into: intoClause }) })
}

/** Objects of the whole database or server. */
function checksForServer(node: Node): Question {
  if ('CreatedbStmt' in node) return askCreateDatabase(node.CreatedbStmt)
  if ('DropdbStmt' in node) return askDropDatabase(node.DropdbStmt)
  if ('AlterDatabaseStmt' in node) return askAlterDatabase(node.AlterDatabaseStmt)
  if ('TransactionStmt' in node) return askTransaction(node.TransactionStmt)
  if ('CreateRoleStmt' in node) return askCreateNamed('OBJECT_ROLE', named(node.CreateRoleStmt.role))
  if ('DropRoleStmt' in node) return askDropRoles(node.DropRoleStmt)
  if ('CreateTableSpaceStmt' in node) {
    return askCreateNamed('OBJECT_TABLESPACE', named(node.CreateTableSpaceStmt.tablespacename))
  }
  if ('DropTableSpaceStmt' in node) {
    return checksForDrop(
      'OBJECT_TABLESPACE',
      node.DropTableSpaceStmt.tablespacename,
      node.DropTableSpaceStmt.missing_ok,
    )
  }
  if ('CreateSubscriptionStmt' in node) {
    return askCreateNamed('OBJECT_SUBSCRIPTION', named(node.CreateSubscriptionStmt.subname))
  }
  if ('DropSubscriptionStmt' in node) {
    return checksForDrop('OBJECT_SUBSCRIPTION', node.DropSubscriptionStmt.subname, node.DropSubscriptionStmt.missing_ok)
  }
  if ('AlterSubscriptionStmt' in node) {
    const kind = node.AlterSubscriptionStmt.kind
    return kind === 'ALTER_SUBSCRIPTION_ADD_PUBLICATION' || kind === 'ALTER_SUBSCRIPTION_DROP_PUBLICATION'
      ? unknown('publications of a subscription are not looked up')
      : repeat('setting or refreshing it again is harmless')
  }
  if ('CreatePublicationStmt' in node) {
    return askCreateNamed('OBJECT_PUBLICATION', named(node.CreatePublicationStmt.pubname))
  }
  if ('CreateEventTrigStmt' in node) {
    return askCreateNamed('OBJECT_EVENT_TRIGGER', named(node.CreateEventTrigStmt.trigname))
  }
  if ('CreateFdwStmt' in node) return askCreateNamed('OBJECT_FDW', named(node.CreateFdwStmt.fdwname))
  if ('CreateForeignServerStmt' in node) {
    const { servername, if_not_exists } = node.CreateForeignServerStmt
    return askCreateNamed('OBJECT_FOREIGN_SERVER', named(servername), if_not_exists)
  }
  if ('CreateStatsStmt' in node && node.CreateStatsStmt.defnames) {
    const { defnames, if_not_exists } = node.CreateStatsStmt
    return askCreateNamed('OBJECT_STATISTIC_EXT', nameOfParts(listStrings(defnames)), if_not_exists)
  }
  return unknown('a kind of statement whose effect is not looked up in the catalog')
}

function checksForDrop(
  removeType: 'OBJECT_TABLESPACE' | 'OBJECT_SUBSCRIPTION',
  name = '',
  ifExists: boolean | undefined = false,
): Question {
  return askDrop({ removeType, objects: [{ String: { sval: name } }], missing_ok: ifExists })
}
