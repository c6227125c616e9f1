import type {
  AlterEnumStmt,
  CompositeTypeStmt,
  CreateDomainStmt,
  CreateEnumStmt,
  CreateExtensionStmt,
  CreateFunctionStmt,
  CreatePolicyStmt,
  CreateRangeStmt,
  CreateSchemaStmt,
  CreateSeqStmt,
  CreateTrigStmt,
  DefElem,
  DefineStmt,
  FunctionParameter,
  Node,
  ObjectType,
  RuleStmt,
} from 'libpg-query'
import { catalogs, hasArguments, hasPart, relationParts } from './probe-catalogs.ts'
import {
  type Catalog,
  comparableType,
  findNamed,
  hasColumns,
  listStrings,
  type Name,
  nameOfParts,
  nameOfRelation,
  relationOid,
  showName,
  textArray,
} from './probe-sql.ts'
import { ask, type Question, repeat, unknown } from './probe-verdict.ts'
import { quoteLiteral } from './quote.ts'

/** `same`: SQL on alias x that what is there must satisfy; `identity` narrows what counts as the same object. */
function createNamed(catalog: Catalog, name: Name, same = 'true', identity = 'true'): Question {
  const label = `${catalog.noun} ${showName(name)}`
  return ask({
    landed: `EXISTS (${findNamed(catalog, name, 'creation', `${identity} AND ${same}`)})`,
    absent: `NOT EXISTS (${findNamed({ ...catalog, where: 'true' }, name, 'creation', identity)})`,
    there: `${label} is there`,
    missing: `${label} is not there`,
    otherwise: `there is a ${showName(name)}, but it is not the ${catalog.noun} that the statement makes`,
  })
}

/** Creation of an object whose name is all that is compared. */
export function askCreateNamed(kind: ObjectType, name: Name, ifNotExists = false): Question {
  const catalog = catalogs[kind]
  if (!catalog) return unknown('a kind of object that is not looked up')
  if (ifNotExists) return repeat('it does nothing when the object is there')
  return createNamed(catalog, name)
}

const types: Catalog = { table: 'pg_type', name: 'typname', namespace: 'typnamespace', noun: 'type' }

function listOptions(nodes: readonly Node[] | undefined): DefElem[] {
  return (nodes ?? []).flatMap((node) => ('DefElem' in node ? [node.DefElem] : []))
}

function labelsOf(nodes: readonly Node[] | undefined): string {
  return `ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = x.oid ORDER BY e.enumsortorder)
    = ${textArray(listStrings(nodes))}`
}

export function askCreateEnum(statement: CreateEnumStmt): Question {
  return createNamed(
    types,
    nameOfParts(listStrings(statement.typeName)),
    `x.typtype = 'e' AND ${labelsOf(statement.vals)}`,
  )
}

export function askCreateComposite(statement: CompositeTypeStmt): Question {
  const columns = (statement.coldeflist ?? []).flatMap((node) => ('ColumnDef' in node ? [node.ColumnDef] : []))
  const name = nameOfRelation(statement.typevar)
  const same = `x.typtype = 'c' AND ${hasColumns('x.typrelid', columns, true)}`
  return createNamed(types, name, same)
}

export function askCreateRange(statement: CreateRangeStmt): Question {
  const subtype = listOptions(statement.params).find((option) => option.defname === 'subtype')?.arg
  const type = subtype && 'TypeName' in subtype ? comparableType(subtype.TypeName) : null
  const same = type
    ? `x.typtype = 'r' AND EXISTS (SELECT FROM pg_range r WHERE r.rngtypid = x.oid AND r.rngsubtype = ${type.oid})`
    : "x.typtype = 'r'"
  return createNamed(types, nameOfParts(listStrings(statement.typeName)), same)
}

export function askCreateDomain(statement: CreateDomainStmt): Question {
  const type = comparableType(statement.typeName)
  const base = type ? ` AND x.typbasetype = ${type.oid}` : ''
  const checks = (statement.constraints ?? []).filter(
    (node) => 'Constraint' in node && node.Constraint.contype === 'CONSTR_CHECK',
  ).length
  const same = `x.typtype = 'd'${base} AND (SELECT count(*) FROM pg_constraint k
    WHERE k.contypid = x.oid AND k.contype = 'c') = ${checks}`
  return createNamed({ ...types, noun: 'domain' }, nameOfParts(listStrings(statement.domainname)), same)
}

export function askAlterEnum(statement: AlterEnumStmt): Question {
  if (statement.skipIfNewValExists) return repeat('it does nothing when the value is there')
  const name = nameOfParts(listStrings(statement.typeName))
  const has = (label: string) =>
    `EXISTS (${findNamed(
      types,
      name,
      'searched',
      `x.typtype = 'e' AND EXISTS (SELECT
    FROM pg_enum e WHERE e.enumtypid = x.oid AND e.enumlabel = ${quoteLiteral(label)})`,
    )})`
  const { newVal = '', oldVal } = statement
  const enumThere = `EXISTS (${findNamed(types, name, 'searched')})`
  const label = `value ${newVal} of ${showName(name)}`
  return ask({
    landed: oldVal === undefined ? has(newVal) : `${has(newVal)} AND NOT ${has(oldVal)}`,
    absent: oldVal === undefined ? `${enumThere} AND NOT ${has(newVal)}` : `${has(oldVal)} AND NOT ${has(newVal)}`,
    there: `${label} is there`,
    missing: `${label} is not there`,
    otherwise: `${label} and what it was before are both there, or neither is`,
  })
}

const sequenceFields: Record<string, string> = {
  increment: 'seqincrement',
  start: 'seqstart',
  minvalue: 'seqmin',
  maxvalue: 'seqmax',
  cache: 'seqcache',
}

export function askCreateSequence(statement: CreateSeqStmt): Question {
  const name = nameOfRelation(statement.sequence)
  if (statement.if_not_exists) return repeat('it does nothing when the sequence is there')
  if (statement.sequence?.relpersistence === 't') {
    return { kind: 'absent', reason: `sequence ${name.name} is temporary: it ended with its session` }
  }
  const conditions = ["x.relkind = 'S'"]
  for (const option of listOptions(statement.options)) {
    const field = sequenceFields[option.defname ?? '']
    const value = option.arg && 'Integer' in option.arg ? (option.arg.Integer.ival ?? 0) : null
    if (field && value !== null) {
      conditions.push(`EXISTS (SELECT FROM pg_sequence s WHERE s.seqrelid = x.oid AND s.${field} = ${value})`)
    }
  }
  const catalog: Catalog = { table: 'pg_class', name: 'relname', namespace: 'relnamespace', noun: 'sequence' }
  return createNamed(catalog, name, conditions.join(' AND '))
}

export function askCreateSchema(statement: CreateSchemaStmt): Question {
  const name = statement.schemaname ?? statement.authrole?.rolename
  if (name === undefined) return unknown('the schema is named by the current role')
  return askCreateNamed('OBJECT_SCHEMA', { schema: null, name }, statement.if_not_exists)
}

export function askCreateExtension(statement: CreateExtensionStmt): Question {
  if (statement.if_not_exists) return repeat('it does nothing when the extension is there')
  const schema = listOptions(statement.options).find((option) => option.defname === 'schema')?.arg
  const same =
    schema && 'String' in schema
      ? `x.extnamespace = (SELECT n.oid FROM pg_namespace n WHERE n.nspname = ${quoteLiteral(schema.String.sval ?? '')})`
      : 'true'
  const catalog: Catalog = { table: 'pg_extension', name: 'extname', namespace: null, noun: 'extension' }
  return createNamed(catalog, { schema: null, name: statement.extname ?? '' }, same)
}

function inputTypes(parameters: readonly Node[] | undefined, isProcedure: boolean): (string | null)[] {
  const outOnly = new Set<FunctionParameter['mode']>(['FUNC_PARAM_TABLE'])
  // OUT arguments are part of a procedure's signature, not of a function's.
  if (!isProcedure) outOnly.add('FUNC_PARAM_OUT')
  return (parameters ?? []).flatMap((node) => {
    if (!('FunctionParameter' in node) || outOnly.has(node.FunctionParameter.mode)) return []
    return [comparableType(node.FunctionParameter.argType)?.oid ?? null]
  })
}

export function askCreateFunction(statement: CreateFunctionStmt): Question {
  const noun = statement.is_procedure ? 'procedure' : 'function'
  if (statement.replace) return repeat(`replacing a ${noun} again is harmless`)
  const body = listOptions(statement.options).find((option) => option.defname === 'as')?.arg
  const source = body && 'List' in body ? listStrings(body.List.items) : []
  const same = source.length === 1 ? `x.prosrc = ${quoteLiteral(source[0] ?? '')}` : 'true'
  const catalog: Catalog = { table: 'pg_proc', name: 'proname', namespace: 'pronamespace', noun }
  const identity = hasArguments(inputTypes(statement.parameters, statement.is_procedure === true))('x')
  return createNamed(catalog, nameOfParts(listStrings(statement.funcname)), same, identity)
}

function createPart(kind: ObjectType, relation: Name, name: string, same: string): Question {
  const part = relationParts[kind]
  if (!part) return unknown('a kind of object that is not looked up')
  const oid = relationOid(relation)
  const label = `${part.noun} ${name} on ${showName(relation)}`
  return ask({
    landed: `EXISTS (SELECT FROM ${part.table} x WHERE x.${part.owner} = ${oid}
      AND x.${part.name} = ${quoteLiteral(name)} AND ${same})`,
    absent: `${oid} IS NOT NULL AND NOT ${hasPart(part, oid, name)}`,
    there: `${label} is there`,
    missing: `${label} is not there`,
    otherwise: `there is a ${label} of another shape, or its table is missing`,
  })
}

export function askCreateTrigger(statement: CreateTrigStmt): Question {
  if (statement.replace) return repeat('replacing a trigger again is harmless')
  // Bits as in pg_trigger.tgtype: 1 is FOR EACH ROW; the grammar uses the same ones for timing and events.
  const bits = (statement.row ? 1 : 0) | (statement.timing ?? 0) | (statement.events ?? 0)
  const routine = listStrings(statement.funcname).at(-1) ?? ''
  const same = `x.tgtype = ${bits}
    AND EXISTS (SELECT FROM pg_proc p WHERE p.oid = x.tgfoid AND p.proname = ${quoteLiteral(routine)})`
  return createPart('OBJECT_TRIGGER', nameOfRelation(statement.relation), statement.trigname ?? '', same)
}

const policyCommands: Record<string, string> = { all: '*', select: 'r', insert: 'a', update: 'w', delete: 'd' }

export function askCreatePolicy(statement: CreatePolicyStmt): Question {
  const same = `x.polcmd = '${policyCommands[statement.cmd_name ?? 'all'] ?? '*'}'
    AND x.polpermissive = ${statement.permissive === true}
    AND (x.polqual IS NOT NULL) = ${statement.qual !== undefined}
    AND (x.polwithcheck IS NOT NULL) = ${statement.with_check !== undefined}`
  return createPart('OBJECT_POLICY', nameOfRelation(statement.table), statement.policy_name ?? '', same)
}

export function askCreateRule(statement: RuleStmt): Question {
  if (statement.replace) return repeat('replacing a rule again is harmless')
  return createPart('OBJECT_RULE', nameOfRelation(statement.relation), statement.rulename ?? '', 'true')
}

/** CREATE AGGREGATE, COLLATION, TEXT SEARCH …, and base types. */
export function askDefine(statement: DefineStmt): Question {
  const kind = statement.kind ?? 'OBJECT_TYPE'
  if (statement.replace || statement.if_not_exists) return repeat('running it again is harmless')
  // Aggregates are told apart by their arguments, which this statement writes in several forms.
  if (kind === 'OBJECT_AGGREGATE') return unknown('a kind of object that is not looked up')
  return askCreateNamed(kind, nameOfParts(listStrings(statement.defnames)))
}
