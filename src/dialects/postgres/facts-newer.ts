import { branch, branches, nameParts, type Tree, word } from './tree.ts'

/** Syntax and functions that came after PostgreSQL 14, the oldest one supported. From the release notes, appendix E. */
export interface NewerSyntax {
  syntax: string
  /** First major version that has it. */
  since: number
}

const functions: Record<string, number> = {
  regexp_count: 15,
  regexp_instr: 15,
  regexp_like: 15,
  regexp_substr: 15,
  any_value: 16,
  array_shuffle: 16,
  array_sample: 16,
  random_normal: 16,
  date_add: 16,
  date_subtract: 16,
  uuid_extract_timestamp: 17,
  uuid_extract_version: 17,
  to_bin: 17,
  to_oct: 17,
  json_exists: 17,
  json_query: 17,
  json_value: 17,
  uuidv4: 18,
  uuidv7: 18,
  casefold: 18,
  array_reverse: 18,
  array_sort: 18,
  crc32: 18,
  crc32c: 18,
}

const nodes: Record<string, NewerSyntax> = {
  JsonObjectConstructor: { syntax: 'JSON_OBJECT(key: value)', since: 16 },
  JsonArrayConstructor: { syntax: 'JSON_ARRAY(…)', since: 16 },
  JsonObjectAgg: { syntax: 'JSON_OBJECTAGG(…)', since: 16 },
  JsonArrayAgg: { syntax: 'JSON_ARRAYAGG(…)', since: 16 },
  JsonIsPredicate: { syntax: 'IS JSON', since: 16 },
  JsonParseExpr: { syntax: 'JSON(…)', since: 17 },
  JsonScalarExpr: { syntax: 'JSON_SCALAR(…)', since: 17 },
  JsonSerializeExpr: { syntax: 'JSON_SERIALIZE(…)', since: 17 },
  JsonFuncExpr: { syntax: 'JSON_VALUE, JSON_QUERY, JSON_EXISTS', since: 17 },
  JsonTable: { syntax: 'JSON_TABLE', since: 17 },
}

function ofConstraint(node: Tree): NewerSyntax | null {
  const type = word(node, 'contype')
  if (node.nulls_not_distinct === true) return { syntax: 'NULLS NOT DISTINCT', since: 15 }
  if (branches(node, 'fk_del_set_cols').length > 0) return { syntax: 'ON DELETE SET … (columns)', since: 15 }
  if (node.without_overlaps === true || node.fk_with_period === true)
    return { syntax: 'WITHOUT OVERLAPS, PERIOD', since: 18 }
  if (type === 'CONSTR_GENERATED' && word(node, 'generated_kind') === 'v') {
    return { syntax: 'a virtual generated column', since: 18 }
  }
  if ((type === 'CONSTR_CHECK' || type === 'CONSTR_FOREIGN') && node.is_enforced !== true) {
    return { syntax: 'NOT ENFORCED', since: 18 }
  }
  // With a list of columns it is one of the table, or has a name.
  return type === 'CONSTR_NOTNULL' && branches(node, 'keys').length > 0
    ? { syntax: 'NOT NULL as a constraint of the table', since: 18 }
    : null
}

function ofMerge(node: Tree): NewerSyntax {
  if ('returningClause' in node) return { syntax: 'MERGE … RETURNING', since: 17 }
  const bySource = branches(node, 'mergeWhenClauses').some(
    (clause) => word(branch(clause, 'MergeWhenClause'), 'matchKind') === 'MERGE_WHEN_NOT_MATCHED_BY_SOURCE',
  )
  return bySource ? { syntax: 'WHEN NOT MATCHED BY SOURCE', since: 17 } : { syntax: 'MERGE', since: 15 }
}

const viewOption = (node: Tree) =>
  branches(node, 'options').some((option) => word(branch(option, 'DefElem'), 'defname') === 'security_invoker')

/** What of a node only newer servers have; null: nothing. */
export function findNewer(type: string, node: Tree): NewerSyntax | null {
  switch (type) {
    case 'MergeStmt':
      return ofMerge(node)
    case 'IndexStmt':
      return node.nulls_not_distinct === true ? { syntax: 'NULLS NOT DISTINCT', since: 15 } : null
    case 'ViewStmt':
      return viewOption(node) ? { syntax: 'security_invoker', since: 15 } : null
    case 'Constraint':
      return ofConstraint(node)
    case 'ColumnDef':
      return word(node, 'storage_name') === null ? null : { syntax: 'STORAGE in CREATE TABLE', since: 16 }
    case 'RangeSubselect':
      return 'alias' in node ? null : { syntax: 'a subquery in FROM without an alias', since: 16 }
    case 'AlterTableCmd':
      if (word(node, 'subtype') === 'AT_SetExpression') return { syntax: 'SET EXPRESSION', since: 17 }
      return word(node, 'subtype') === 'AT_SetAccessMethod' ? { syntax: 'SET ACCESS METHOD', since: 15 } : null
    case 'ReturningClause':
      return branches(node, 'options').length > 0 ? { syntax: 'RETURNING WITH (OLD …, NEW …)', since: 18 } : null
    case 'FuncCall': {
      const parts = nameParts(branches(node, 'funcname'))
      const name = parts.at(-1) ?? ''
      const since = parts.length === 1 && Object.hasOwn(functions, name) ? functions[name] : undefined
      return since === undefined ? null : { syntax: `${name}()`, since }
    }
    default:
      return Object.hasOwn(nodes, type) ? (nodes[type] ?? null) : null
  }
}
