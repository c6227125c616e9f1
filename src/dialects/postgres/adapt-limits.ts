import { type AdaptContext, addEdit, addNotice } from './adapt-context.ts'
import { ownsName } from './own-objects.ts'
import type { ParsedStatement } from './parse.ts'
import { schemaOfNew } from './schema-of-new.ts'
import type { Region } from './sql-regions.ts'
import { lastName, list, only, text } from './syntax-tree.ts'

interface Limit {
  what: string
  /** Why it cannot run for a second schema of the same database. */
  why: string
  hint: string
}

const guard = 'wrap it in DO $$ BEGIN … EXCEPTION WHEN duplicate_object THEN NULL; END $$, or make it once per database'
const elsewhere = "do it once, outside the tenants' migrations"
const perDatabase = 'belongs to the whole database, so it is already there for the second tenant'
const perServer = 'belongs to the whole server, so it is already there for the second tenant'

const limits: Record<string, Limit> = {
  CreateEventTrigStmt: { what: 'CREATE EVENT TRIGGER', why: perDatabase, hint: guard },
  AlterEventTrigStmt: { what: 'ALTER EVENT TRIGGER', why: 'changes something of every tenant', hint: elsewhere },
  CreateRoleStmt: { what: 'CREATE ROLE', why: perServer, hint: guard },
  CreateTableSpaceStmt: { what: 'CREATE TABLESPACE', why: perServer, hint: elsewhere },
  DropTableSpaceStmt: { what: 'DROP TABLESPACE', why: 'takes away something of every tenant', hint: elsewhere },
  CreatedbStmt: { what: 'CREATE DATABASE', why: perServer, hint: elsewhere },
  DropdbStmt: { what: 'DROP DATABASE', why: 'takes away something of every tenant', hint: elsewhere },
  CreatePublicationStmt: { what: 'CREATE PUBLICATION', why: perDatabase, hint: guard },
  CreateSubscriptionStmt: { what: 'CREATE SUBSCRIPTION', why: perDatabase, hint: elsewhere },
  CreateFdwStmt: { what: 'CREATE FOREIGN DATA WRAPPER', why: perDatabase, hint: guard },
  CreateForeignServerStmt: { what: 'CREATE SERVER', why: perDatabase, hint: 'write CREATE SERVER IF NOT EXISTS' },
  CreateUserMappingStmt: {
    what: 'CREATE USER MAPPING',
    why: perDatabase,
    hint: 'write CREATE USER MAPPING IF NOT EXISTS',
  },
  CreatePLangStmt: { what: 'CREATE LANGUAGE', why: perDatabase, hint: 'write CREATE EXTENSION IF NOT EXISTS' },
  CreateAmStmt: { what: 'CREATE ACCESS METHOD', why: perDatabase, hint: guard },
  CreateTransformStmt: { what: 'CREATE TRANSFORM', why: perDatabase, hint: 'write CREATE OR REPLACE TRANSFORM' },
  AlterDatabaseStmt: { what: 'ALTER DATABASE', why: 'changes the database of every tenant', hint: elsewhere },
  AlterDatabaseSetStmt: { what: 'ALTER DATABASE', why: 'changes the database of every tenant', hint: elsewhere },
  AlterSystemStmt: { what: 'ALTER SYSTEM', why: 'changes the whole server', hint: elsewhere },
  DropOwnedStmt: {
    what: 'DROP OWNED',
    why: "takes what the role owns in every tenant's schema",
    hint: 'drop the objects by name',
  },
  ReassignOwnedStmt: {
    what: 'REASSIGN OWNED',
    why: "changes the owner in every tenant's schema",
    hint: 'use ALTER … OWNER TO, object by object',
  },
  DropRoleStmt: {
    what: 'DROP ROLE',
    why: 'the role is gone for the second tenant',
    hint: 'write DROP ROLE IF EXISTS, or do it once',
  },
}

const repeatable: Record<string, string> = {
  CreateForeignServerStmt: 'if_not_exists',
  CreateUserMappingStmt: 'if_not_exists',
  CreateTransformStmt: 'replace',
  CreatePLangStmt: 'replace',
  DropRoleStmt: 'missing_ok',
}

const sharedKinds: Record<string, string> = {
  OBJECT_EVENT_TRIGGER: 'EVENT TRIGGER',
  OBJECT_PUBLICATION: 'PUBLICATION',
  OBJECT_FDW: 'FOREIGN DATA WRAPPER',
  OBJECT_FOREIGN_SERVER: 'SERVER',
  OBJECT_LANGUAGE: 'LANGUAGE',
  OBJECT_CAST: 'CAST',
  OBJECT_ACCESS_METHOD: 'ACCESS METHOD',
}

/** Says what cannot run for a second schema of the same database, before it is tried. */
export function judgeLimits(context: AdaptContext, statement: ParsedStatement): void {
  const { type, node, start } = statement
  const limit = limits[type]
  if (limit) {
    if (node[repeatable[type] ?? ''] === true) return
    report(context, start, limit)
    return
  }
  switch (type) {
    case 'DropStmt':
      judgeDrop(context, statement)
      break
    case 'CreateCastStmt':
      judgeCast(context, statement)
      break
    case 'CreateExtensionStmt':
      if (/^create\s+(or\s+replace\s+)?(trusted\s+)?(procedural\s+)?language/i.test(textOf(context, statement))) {
        report(context, start, limits.CreatePLangStmt as Limit)
      }
      break
    case 'CreateSchemaStmt':
      judgeSchema(context, statement)
      break
    case 'RenameStmt':
      if (node.renameType === 'OBJECT_SCHEMA' && node.subname === 'public') {
        report(context, start, {
          what: 'ALTER SCHEMA public RENAME',
          why: 'the schema public is shared',
          hint: elsewhere,
        })
      }
      break
    case 'AlterRoleStmt':
    case 'AlterRoleSetStmt':
      addNotice(
        context,
        'notices',
        start,
        'shared-role',
        'ALTER ROLE changes a role that every tenant shares',
        elsewhere,
      )
      break
    default:
      judgeForeignSchema(context, statement)
  }
}

function report(context: AdaptContext, offset: number, { what, why, hint }: Limit): void {
  const to = context.options.targetsPerDatabase > 1 ? 'problems' : 'notices'
  addNotice(context, to, offset, 'not-per-schema', `${what} cannot run once per schema: ${why}`, hint)
}

function textOf(context: AdaptContext, { start, end }: ParsedStatement): string {
  return context.sql.bytes.toString('utf8', start, end)
}

function judgeDrop(context: AdaptContext, { node, start }: ParsedStatement): void {
  const removed = text(node, 'removeType') ?? ''
  const casts = removed === 'OBJECT_CAST' ? list(node, 'objects') : []
  if (casts.some((types) => isOwnCast(context, list(only(types).node, 'items')))) return
  const shared = sharedKinds[removed]
  if (removed === 'OBJECT_SCHEMA') {
    const names = list(node, 'objects').map((name) => lastName([name]))
    if (names.includes('public')) {
      const why = 'the schema public is shared, and every tenant of the database depends on it'
      report(context, start, { what: 'DROP SCHEMA public', why, hint: "drop the tenants' objects by name" })
    } else if (node.missing_ok !== true) {
      report(context, start, {
        what: 'DROP SCHEMA',
        why: 'it is gone for the second tenant',
        hint: 'write DROP SCHEMA IF EXISTS',
      })
    }
  } else if (shared && node.missing_ok !== true) {
    report(context, start, {
      what: `DROP ${shared}`,
      why: 'it is gone for the second tenant',
      hint: `write DROP ${shared} IF EXISTS, or do it once`,
    })
  }
}

function judgeCast(context: AdaptContext, { node, start }: ParsedStatement): void {
  if (!isOwnCast(context, [{ TypeName: node.sourcetype }, { TypeName: node.targettype }]))
    report(context, start, { what: 'CREATE CAST', why: perDatabase, hint: guard })
}

/** A cast belongs to its two types: where one of them is the tenant's, so is the cast. */
function isOwnCast(context: AdaptContext, types: readonly unknown[]): boolean {
  return types.some((type) => ownsName(context.own, 'type', lastName(list(only(type).node, 'names')) ?? ''))
}

function judgeSchema(context: AdaptContext, { node, start }: ParsedStatement): void {
  const name = text(node, 'schemaname')
  if (name === 'public') return
  if (node.if_not_exists !== true) {
    const why = 'the schema is already there for the second tenant'
    report(context, start, {
      what: `CREATE SCHEMA ${name ?? ''}`.trim(),
      why,
      hint: 'write CREATE SCHEMA IF NOT EXISTS',
    })
    return
  }
  addNotice(
    context,
    'notices',
    start,
    'own-schema',
    `schema ${name} is made by the migrations and is shared by every tenant of the database`,
    'what is made in it must be written with IF NOT EXISTS or OR REPLACE',
  )
}

function judgeForeignSchema(context: AdaptContext, statement: ParsedStatement): void {
  const made = schemaOfNew(statement)
  if (made === null || made.repeatable || made.schema === 'pg_temp') return
  const why = `schema ${made.schema} is shared, and what it makes is already there for the second tenant`
  const hint = made.hint ?? `${guard}; or leave the schema out, and it is made in each tenant's own`
  report(context, statement.start, { what: `${made.what} in schema ${made.schema}`, why, hint })
}

/** `DROP EXTENSION` is left out: white space of the same shape stays. */
export function blankDropExtension(
  context: AdaptContext,
  file: Region,
  { type, node, start, end }: ParsedStatement,
): void {
  if (type !== 'DropStmt' || node.removeType !== 'OBJECT_EXTENSION') return
  const blank = context.sql.bytes.toString('utf8', start, end).replace(/[^\r\n]/g, ' ')
  addEdit(context, file, start, end, [blank], 'blank')
}
