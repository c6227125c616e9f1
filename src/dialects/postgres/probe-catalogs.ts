import type { Node, ObjectType, ObjectWithArgs } from 'libpg-query'
import { type Catalog, comparableType, listStrings, type Name, nameOfParts } from './probe-sql.ts'
import { quoteLiteral } from './quote.ts'

function relation(noun: string, kinds: string): Catalog {
  return {
    table: 'pg_class',
    name: 'relname',
    namespace: 'relnamespace',
    where: `x.relkind = ANY ('{${kinds}}'::"char"[])`,
    noun,
  }
}

function routine(noun: string): Catalog {
  return { table: 'pg_proc', name: 'proname', namespace: 'pronamespace', noun }
}

/** Where each kind of object that has a name of its own is kept. */
export const catalogs: Partial<Record<ObjectType, Catalog>> = {
  OBJECT_TABLE: relation('table', 'r,p'),
  OBJECT_INDEX: relation('index', 'i,I'),
  OBJECT_VIEW: relation('view', 'v'),
  OBJECT_MATVIEW: relation('materialized view', 'm'),
  OBJECT_SEQUENCE: relation('sequence', 'S'),
  OBJECT_FOREIGN_TABLE: relation('foreign table', 'f'),
  OBJECT_TYPE: { table: 'pg_type', name: 'typname', namespace: 'typnamespace', noun: 'type' },
  OBJECT_DOMAIN: {
    table: 'pg_type',
    name: 'typname',
    namespace: 'typnamespace',
    where: "x.typtype = 'd'",
    noun: 'domain',
  },
  OBJECT_FUNCTION: routine('function'),
  OBJECT_PROCEDURE: routine('procedure'),
  OBJECT_ROUTINE: routine('routine'),
  OBJECT_AGGREGATE: routine('aggregate'),
  OBJECT_COLLATION: { table: 'pg_collation', name: 'collname', namespace: 'collnamespace', noun: 'collation' },
  OBJECT_STATISTIC_EXT: { table: 'pg_statistic_ext', name: 'stxname', namespace: 'stxnamespace', noun: 'statistics' },
  OBJECT_TSCONFIGURATION: { table: 'pg_ts_config', name: 'cfgname', namespace: 'cfgnamespace', noun: 'configuration' },
  OBJECT_TSDICTIONARY: { table: 'pg_ts_dict', name: 'dictname', namespace: 'dictnamespace', noun: 'dictionary' },
  OBJECT_SCHEMA: { table: 'pg_namespace', name: 'nspname', namespace: null, noun: 'schema' },
  OBJECT_EXTENSION: { table: 'pg_extension', name: 'extname', namespace: null, noun: 'extension' },
  OBJECT_ROLE: { table: 'pg_roles', name: 'rolname', namespace: null, noun: 'role' },
  OBJECT_DATABASE: { table: 'pg_database', name: 'datname', namespace: null, noun: 'database' },
  OBJECT_TABLESPACE: { table: 'pg_tablespace', name: 'spcname', namespace: null, noun: 'tablespace' },
  OBJECT_PUBLICATION: { table: 'pg_publication', name: 'pubname', namespace: null, noun: 'publication' },
  OBJECT_SUBSCRIPTION: {
    table: 'pg_subscription',
    name: 'subname',
    namespace: null,
    where: 'x.subdbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())',
    noun: 'subscription',
  },
  OBJECT_EVENT_TRIGGER: { table: 'pg_event_trigger', name: 'evtname', namespace: null, noun: 'event trigger' },
  OBJECT_LANGUAGE: { table: 'pg_language', name: 'lanname', namespace: null, noun: 'language' },
  OBJECT_FDW: { table: 'pg_foreign_data_wrapper', name: 'fdwname', namespace: null, noun: 'foreign data wrapper' },
  OBJECT_FOREIGN_SERVER: { table: 'pg_foreign_server', name: 'srvname', namespace: null, noun: 'server' },
}

/** Objects that belong to a relation. */
export const relationParts: Partial<Record<ObjectType, { table: string; name: string; owner: string; noun: string }>> =
  {
    OBJECT_TRIGGER: { table: 'pg_trigger', name: 'tgname', owner: 'tgrelid', noun: 'trigger' },
    OBJECT_POLICY: { table: 'pg_policy', name: 'polname', owner: 'polrelid', noun: 'policy' },
    OBJECT_RULE: { table: 'pg_rewrite', name: 'rulename', owner: 'ev_class', noun: 'rule' },
    OBJECT_TABCONSTRAINT: { table: 'pg_constraint', name: 'conname', owner: 'conrelid', noun: 'constraint' },
    OBJECT_COLUMN: { table: 'pg_attribute', name: 'attname', owner: 'attrelid', noun: 'column' },
    OBJECT_ATTRIBUTE: { table: 'pg_attribute', name: 'attname', owner: 'attrelid', noun: 'attribute' },
  }

/** An object as DROP, ALTER and RENAME name it: a dotted name, a type, or a routine with its arguments. */
export interface ObjectReference {
  name: Name
  /** SQL on alias `x`: narrows routines of one name to one signature. */
  condition(alias: string): string
}

/** SQL on an alias of pg_proc: the input arguments are of these types. */
export function hasArguments(types: readonly (string | null)[]): (alias: string) => string {
  if (types.length === 0) return (alias) => `${alias}.pronargs = 0`
  // concat_ws leaves NULLs out, so a type that does not exist becomes 0, which is nobody's argument.
  const oids = types.map((type) => `coalesce(${type ?? '0'}, 0)`)
  return (alias) => `${alias}.proargtypes::text = concat_ws(' ', ${oids.join(', ')})`
}

function readRoutine(object: ObjectWithArgs): ObjectReference {
  const name = nameOfParts(listStrings(object.objname))
  if (object.args_unspecified) return { name, condition: () => 'true' }
  const types = (object.objargs ?? []).map((node) =>
    'TypeName' in node ? (comparableType(node.TypeName)?.oid ?? null) : null,
  )
  return { name, condition: hasArguments(types) }
}

/** null: a form that is not known here. */
export function readReference(node: Node | undefined): ObjectReference | null {
  if (!node) return null
  const plain = (parts: readonly string[]): ObjectReference => ({ name: nameOfParts(parts), condition: () => 'true' })
  if ('List' in node) return plain(listStrings(node.List.items))
  if ('TypeName' in node) return plain(listStrings(node.TypeName.names))
  if ('String' in node) return plain([node.String.sval ?? ''])
  if ('RangeVar' in node) return plain([node.RangeVar.schemaname ?? [], node.RangeVar.relname ?? ''].flat())
  if ('ObjectWithArgs' in node) return readRoutine(node.ObjectWithArgs)
  return null
}

/** SQL boolean: the relation has such a part. */
export function hasPart(part: { table: string; name: string; owner: string }, relation: string, name: string): string {
  return `EXISTS (SELECT FROM ${part.table} x WHERE x.${part.owner} = ${relation} AND x.${part.name} = ${quoteLiteral(name)})`
}
