import type { AlterTableCmd, ColumnDef, Constraint, Node, RoleSpec } from 'libpg-query'
import {
  comparableType,
  findColumn,
  hasType,
  keyColumns,
  listStrings,
  nameOfRelation,
  relationOid,
  showName,
  textArray,
} from './probe-sql.ts'
import { ask, type Check, type Question, repeat, unknown } from './probe-verdict.ts'
import { quoteLiteral } from './quote.ts'

/** The relation that is altered: SQL for its oid, and its name for people. */
export interface AlteredTable {
  oid: string
  name: string
}

/** SQL: oid of a role as GRANT and OWNER TO name it. */
export function roleOid(role: RoleSpec | undefined): string {
  const name =
    role?.roletype === 'ROLESPEC_CSTRING'
      ? quoteLiteral(role.rolename ?? '')
      : role?.roletype === 'ROLESPEC_SESSION_USER'
        ? 'session_user'
        : 'current_user'
  return `(SELECT r.oid FROM pg_roles r WHERE r.rolname = ${name})`
}

function wording(subject: string): Pick<Check, 'there' | 'missing' | 'otherwise'> {
  return {
    there: `${subject} is there`,
    missing: `${subject} is not there`,
    otherwise: `${subject} is neither as before the statement nor as after it`,
  }
}

/** A weak check on one column: `condition` (alias a) holds or it does not. */
function askColumn(table: AlteredTable, column: string, condition: string, what: string): Question {
  return ask({
    landed: findColumn(table.oid, column, condition),
    absent: findColumn(table.oid, column, `NOT (${condition})`),
    weak: true,
    there: `${table.name}.${column} ${what}`,
    missing: `it is not so yet that ${table.name}.${column} ${what}`,
    otherwise: `column ${table.name}.${column} is not there`,
  })
}

function askTable(table: AlteredTable, condition: string, what: string): Question {
  return ask({
    landed: `EXISTS (SELECT FROM pg_class c WHERE c.oid = ${table.oid} AND ${condition})`,
    absent: `EXISTS (SELECT FROM pg_class c WHERE c.oid = ${table.oid} AND NOT (${condition}))`,
    weak: true,
    there: `${table.name} ${what}`,
    missing: `it is not so yet that ${table.name} ${what}`,
    otherwise: `${table.name} is not there`,
  })
}

function askAddColumn(table: AlteredTable, column: ColumnDef, ifNotExists: boolean): Question {
  const name = column.colname ?? ''
  const check: Check = {
    landed: findColumn(table.oid, name, ifNotExists ? 'true' : hasType(comparableType(column.typeName))),
    absent: `${table.oid} IS NOT NULL AND NOT ${findColumn(table.oid, name)}`,
    ...wording(`column ${table.name}.${name}`),
    otherwise: `column ${table.name}.${name} is there with another type, or its table is missing`,
  }
  return ask(ifNotExists ? { ...check, weak: true } : check)
}

function askDropColumn(table: AlteredTable, name: string, ifExists: boolean): Question {
  const check: Check = {
    landed: `${table.oid} IS NOT NULL AND NOT ${findColumn(table.oid, name)}`,
    absent: findColumn(table.oid, name),
    there: `column ${table.name}.${name} is gone`,
    missing: `column ${table.name}.${name} is still there`,
    otherwise: `table ${table.name} is not there`,
  }
  return ask(ifExists ? { ...check, weak: true } : check)
}

/** Converting with USING twice may spoil values, and equal types may be from before the statement. */
function isPlainConversion(using: Node | undefined, column: string): boolean {
  if (!using) return true
  const inner = 'TypeCast' in using ? using.TypeCast.arg : using
  if (!inner || !('ColumnRef' in inner)) return false
  return listStrings(inner.ColumnRef.fields).at(-1) === column
}

function askColumnType(table: AlteredTable, name: string, column: ColumnDef): Question {
  const type = comparableType(column.typeName)
  if (!type) return unknown(`the type of ${table.name}.${name} cannot be compared`)
  const same = hasType(type)
  const certain = type.typmod !== null && isPlainConversion(column.raw_default, name)
  return ask({
    landed: certain ? findColumn(table.oid, name, same) : 'false',
    absent: findColumn(table.oid, name, `NOT (${same})`),
    ...(certain && { weak: true }),
    there: `${table.name}.${name} has the new type`,
    missing: `${table.name}.${name} has not the new type`,
    otherwise: `${table.name}.${name} has the new type, but it may have had it before: whether its values were converted cannot be seen`,
  })
}

const constraintKinds: Partial<Record<NonNullable<Constraint['contype']>, string>> = {
  CONSTR_CHECK: 'c',
  CONSTR_PRIMARY: 'p',
  CONSTR_UNIQUE: 'u',
  CONSTR_FOREIGN: 'f',
  CONSTR_EXCLUSION: 'x',
  CONSTR_NOTNULL: 'n',
}

/** SQL on alias k of pg_constraint: what it is made of, as far as names say it. */
function constraintShape(table: AlteredTable, constraint: Constraint, kind: string): string {
  const conditions = [`k.contype = '${kind}'`]
  const keys = listStrings(kind === 'f' ? constraint.fk_attrs : constraint.keys)
  if (keys.length > 0) conditions.push(`${keyColumns(table.oid, 'k.conkey')} = ${textArray(keys)}`)
  if (kind === 'f') {
    const other = relationOid(nameOfRelation(constraint.pktable))
    conditions.push(
      `k.confrelid = ${other}`,
      `k.confdeltype = '${constraint.fk_del_action ?? 'a'}'`,
      `k.confupdtype = '${constraint.fk_upd_action ?? 'a'}'`,
    )
    const targets = listStrings(constraint.pk_attrs)
    if (targets.length > 0) conditions.push(`${keyColumns(other, 'k.confkey')} = ${textArray(targets)}`)
  }
  if (!constraint.skip_validation) conditions.push('k.convalidated')
  return conditions.join(' AND ')
}

export function askAddConstraint(table: AlteredTable, constraint: Constraint): Question {
  const kind = constraint.contype ? constraintKinds[constraint.contype] : undefined
  if (!kind) return unknown('a constraint of a kind that cannot be looked up')
  const shape = constraintShape(table, constraint, kind)
  const name = constraint.conname ?? constraint.indexname
  const mine = `k.conrelid = ${table.oid}`
  const named = name === undefined ? mine : `${mine} AND k.conname = ${quoteLiteral(name)}`
  const subject = name === undefined ? `such a constraint on ${table.name}` : `constraint ${name} on ${table.name}`
  const byText = kind === 'c' || kind === 'x'
  // An unnamed one is looked for by its shape; of checks only the text tells, and that is compared later.
  const question = ask({
    landed: `EXISTS (SELECT FROM pg_constraint k WHERE ${named} AND ${shape})`,
    absent: `${table.oid} IS NOT NULL AND NOT EXISTS (SELECT FROM pg_constraint k
      WHERE ${name === undefined ? `${mine} AND ${shape}` : named})`,
    ...wording(subject),
    otherwise: `${subject} is there and is not what the statement makes, or the table is missing`,
  })
  return byText && question.kind === 'checks'
    ? { ...question, compare: name === undefined ? 'absent' : 'unknown' }
    : question
}

function askDropConstraint(table: AlteredTable, name: string, ifExists: boolean): Question {
  const found = `EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = ${table.oid} AND k.conname = ${quoteLiteral(name)})`
  const check: Check = {
    landed: `${table.oid} IS NOT NULL AND NOT ${found}`,
    absent: found,
    there: `constraint ${name} on ${table.name} is gone`,
    missing: `constraint ${name} on ${table.name} is still there`,
    otherwise: `table ${table.name} is not there`,
  }
  return ask(ifExists ? { ...check, weak: true } : check)
}

function askValidate(table: AlteredTable, name: string): Question {
  const find = (condition: string) => `EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = ${table.oid}
    AND k.conname = ${quoteLiteral(name)} AND ${condition})`
  return ask({
    landed: find('k.convalidated'),
    absent: find('NOT k.convalidated'),
    weak: true,
    there: `constraint ${name} on ${table.name} is validated`,
    missing: `constraint ${name} on ${table.name} is not validated`,
    otherwise: `constraint ${name} on ${table.name} is not there`,
  })
}

/** Parent and child of inheritance or partitioning. */
function askParent(child: string, parent: string, names: string, wanted: 'linked' | 'unlinked'): Question {
  const link = `EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = ${child} AND h.inhparent = ${parent})`
  const both = `${child} IS NOT NULL AND ${parent} IS NOT NULL`
  const [linked, unlinked] = [`${both} AND ${link}`, `${both} AND NOT ${link}`]
  return ask({
    landed: wanted === 'linked' ? linked : unlinked,
    absent: wanted === 'linked' ? unlinked : linked,
    there: `${names} are ${wanted}`,
    missing: `${names} are not ${wanted}`,
    otherwise: `one of ${names} is not there`,
  })
}

/** A detach that was interrupted is pending until FINALIZE, which completes it. */
function askDetach(table: AlteredTable, command: AlterTableCmd): Question {
  if (!command.def || !('PartitionCmd' in command.def)) return unknown('the partition cannot be read')
  const name = nameOfRelation(command.def.PartitionCmd.name)
  const child = relationOid(name)
  const question = askParent(child, table.oid, `${table.name} and its partition ${showName(name)}`, 'unlinked')
  if (question.kind !== 'checks' || command.subtype === 'AT_DetachPartitionFinalize') return question
  const finalize = `ARRAY(SELECT format('ALTER TABLE %I.%I DETACH PARTITION %I.%I FINALIZE',
      pn.nspname, p.relname, cn.nspname, c.relname)
    FROM pg_inherits h JOIN pg_class p ON p.oid = h.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace
    JOIN pg_class c ON c.oid = h.inhrelid JOIN pg_namespace cn ON cn.oid = c.relnamespace
    WHERE h.inhrelid = ${child} AND h.inhparent = ${table.oid} AND (to_jsonb(h) ->> 'inhdetachpending')::boolean)`
  const pending = `the detachment of ${showName(name)} from ${table.name} is pending; FINALIZE completes it`
  return ask(
    ...question.checks.map((check): Check => ({ ...check, leftovers: finalize, completes: true, otherwise: pending })),
  )
}

const harmless = new Set<AlterTableCmd['subtype']>([
  'AT_SetStatistics',
  'AT_SetOptions',
  'AT_ResetOptions',
  'AT_SetStorage',
  'AT_SetCompression',
  'AT_ClusterOn',
  'AT_DropCluster',
  'AT_SetTableSpace',
  'AT_SetAccessMethod',
  'AT_SetRelOptions',
  'AT_ResetRelOptions',
  'AT_ReplaceRelOptions',
  'AT_EnableTrig',
  'AT_EnableAlwaysTrig',
  'AT_EnableReplicaTrig',
  'AT_DisableTrig',
  'AT_EnableTrigAll',
  'AT_DisableTrigAll',
  'AT_EnableTrigUser',
  'AT_DisableTrigUser',
  'AT_EnableRule',
  'AT_EnableAlwaysRule',
  'AT_EnableReplicaRule',
  'AT_DisableRule',
  'AT_ReplicaIdentity',
  'AT_AlterConstraint',
  'AT_SetExpression',
])

/** What one command of an ALTER TABLE changes. */
export function askCommand(command: AlterTableCmd, table: AlteredTable): Question {
  const name = command.name ?? ''
  const def = command.def
  const lenient = command.missing_ok === true
  switch (command.subtype) {
    case 'AT_AddColumn':
      return def && 'ColumnDef' in def ? askAddColumn(table, def.ColumnDef, lenient) : unknown('no column')
    case 'AT_DropColumn':
      return askDropColumn(table, name, lenient)
    case 'AT_AlterColumnType':
      return def && 'ColumnDef' in def ? askColumnType(table, name, def.ColumnDef) : unknown('no type')
    case 'AT_SetNotNull':
      return askColumn(table, name, 'a.attnotnull', 'is not null')
    case 'AT_DropNotNull':
      return askColumn(table, name, 'NOT a.attnotnull', 'may be null')
    case 'AT_ColumnDefault':
      return def
        ? repeat('setting a default again is harmless')
        : askColumn(table, name, 'NOT a.atthasdef', 'has no default')
    case 'AT_AddIdentity':
      return asStrong(askColumn(table, name, "a.attidentity <> ''", 'is an identity column'))
    case 'AT_DropIdentity': {
      const question = askColumn(table, name, "a.attidentity = ''", 'is not an identity column')
      return lenient ? question : asStrong(question)
    }
    case 'AT_DropExpression': {
      const question = askColumn(table, name, "a.attgenerated = ''", 'is not generated')
      return lenient ? question : asStrong(question)
    }
    case 'AT_AddConstraint':
      return def && 'Constraint' in def ? askAddConstraint(table, def.Constraint) : unknown('no constraint')
    case 'AT_DropConstraint':
      return askDropConstraint(table, name, lenient)
    case 'AT_ValidateConstraint':
      return askValidate(table, name)
    case 'AT_EnableRowSecurity':
      return askTable(table, 'c.relrowsecurity', 'has row security')
    case 'AT_DisableRowSecurity':
      return askTable(table, 'NOT c.relrowsecurity', 'has no row security')
    case 'AT_ForceRowSecurity':
      return askTable(table, 'c.relforcerowsecurity', 'has forced row security')
    case 'AT_NoForceRowSecurity':
      return askTable(table, 'NOT c.relforcerowsecurity', 'has no forced row security')
    case 'AT_ChangeOwner':
      return askTable(table, `c.relowner = ${roleOid(command.newowner)}`, 'has the new owner')
    case 'AT_SetLogged':
      return askTable(table, "c.relpersistence = 'p'", 'is logged')
    case 'AT_SetUnLogged':
      return askTable(table, "c.relpersistence = 'u'", 'is unlogged')
    case 'AT_AttachPartition': {
      if (!def || !('PartitionCmd' in def)) return unknown('no partition')
      const child = nameOfRelation(def.PartitionCmd.name)
      return askParent(relationOid(child), table.oid, `${table.name} and its partition ${showName(child)}`, 'linked')
    }
    case 'AT_DetachPartition':
    case 'AT_DetachPartitionFinalize':
      return askDetach(table, command)
    case 'AT_AddInherit':
    case 'AT_DropInherit': {
      if (!def || !('RangeVar' in def)) return unknown('no parent')
      const parent = nameOfRelation(def.RangeVar)
      const wanted = command.subtype === 'AT_AddInherit' ? 'linked' : 'unlinked'
      return askParent(table.oid, relationOid(parent), `${table.name} and its parent ${showName(parent)}`, wanted)
    }
    default:
      return harmless.has(command.subtype)
        ? repeat('setting it again changes nothing more')
        : unknown('part of it cannot be seen in the catalog')
  }
}

/** For what the server refuses a second time. */
function asStrong(question: Question): Question {
  if (question.kind !== 'checks') return question
  return ask(...question.checks.map(({ weak: _, ...check }): Check => check))
}
