import type { ParsedStatement } from './parse.ts'
import { type AstNode, child, children, list, strings, text } from './syntax-tree.ts'

/** Something a statement makes in a schema that is named and is not `public`. */
export interface NewElsewhere {
  what: string
  schema: string
  /** It can run twice: IF NOT EXISTS, OR REPLACE. */
  repeatable: boolean
  hint: string | null
}

const ifNotExists = 'write IF NOT EXISTS'
const orReplace = 'write CREATE OR REPLACE'

function schemaOfRelation(relation: AstNode | null): string | null {
  return relation && text(relation, 'schemaname')
}

function schemaOfName(node: AstNode, key: string): string | null {
  const parts = strings(list(node, key))
  return parts.length > 1 ? (parts.at(-2) ?? null) : null
}

function elsewhere(what: string, schema: string | null, repeatable: boolean, hint: string | null): NewElsewhere | null {
  return schema === null || schema === 'public' ? null : { what, schema, repeatable, hint }
}

/** What a statement makes outside of the tenants' schemas; null: nothing. */
export function schemaOfNew({ type, node }: ParsedStatement): NewElsewhere | null {
  const guarded = node.if_not_exists === true
  const replaces = node.replace === true
  switch (type) {
    case 'CreateStmt':
      return elsewhere('CREATE TABLE', schemaOfRelation(child(node, 'relation')), guarded, ifNotExists)
    case 'CreateTableAsStmt': {
      const schema = schemaOfRelation(child(child(node, 'into') ?? {}, 'rel'))
      return elsewhere('CREATE TABLE AS', schema, guarded, ifNotExists)
    }
    case 'IndexStmt':
      return elsewhere('CREATE INDEX', schemaOfRelation(child(node, 'relation')), guarded, ifNotExists)
    case 'CreateSeqStmt':
      return elsewhere('CREATE SEQUENCE', schemaOfRelation(child(node, 'sequence')), guarded, ifNotExists)
    case 'ViewStmt':
      return elsewhere('CREATE VIEW', schemaOfRelation(child(node, 'view')), replaces, orReplace)
    case 'CreateFunctionStmt':
      return elsewhere('CREATE FUNCTION', schemaOfName(node, 'funcname'), replaces, orReplace)
    case 'CreateTrigStmt':
      return elsewhere('CREATE TRIGGER', schemaOfRelation(child(node, 'relation')), replaces, orReplace)
    case 'CreatePolicyStmt':
      return elsewhere('CREATE POLICY', schemaOfRelation(child(node, 'table')), false, null)
    case 'CreateEnumStmt':
    case 'CreateRangeStmt':
      return elsewhere('CREATE TYPE', schemaOfName(node, 'typeName'), false, null)
    case 'CompositeTypeStmt':
      return elsewhere('CREATE TYPE', schemaOfRelation(child(node, 'typevar')), false, null)
    case 'CreateDomainStmt':
      return elsewhere('CREATE DOMAIN', schemaOfName(node, 'domainname'), false, null)
    case 'DefineStmt':
      return elsewhere('CREATE', schemaOfName(node, 'defnames'), guarded || replaces, null)
    case 'AlterTableStmt': {
      const adds = children(node, 'cmds').filter(
        ({ node: command }) => command.subtype === 'AT_AddColumn' || command.subtype === 'AT_AddConstraint',
      )
      if (adds.length === 0) return null
      const repeatable = adds.every(({ node: command }) => command.missing_ok === true)
      return elsewhere('ALTER TABLE … ADD', schemaOfRelation(child(node, 'relation')), repeatable, null)
    }
    case 'AlterObjectSchemaStmt': {
      const schema = node.objectType === 'OBJECT_EXTENSION' ? null : text(node, 'newschema')
      return elsewhere('ALTER … SET SCHEMA', schema, false, null)
    }
    default:
      return null
  }
}
