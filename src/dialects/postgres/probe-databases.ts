import type { AlterDatabaseStmt, CreatedbStmt, DropdbStmt, DropRoleStmt, TransactionStmt } from 'libpg-query'
import { ask, type Question, repeat, unknown } from './probe-verdict.ts'
import { quoteLiteral } from './quote.ts'

/** A database whose DROP was interrupted stays behind, unusable, with this connection limit (PostgreSQL manual, pg_database). */
const invalidLimit = -2

function databaseThere(name: string, condition = 'true'): string {
  return `EXISTS (SELECT FROM pg_database d WHERE d.datname = ${quoteLiteral(name)} AND ${condition})`
}

export function askCreateDatabase(statement: CreatedbStmt): Question {
  const name = statement.dbname ?? ''
  return ask({
    landed: databaseThere(name, `d.datconnlimit <> ${invalidLimit}`),
    absent: `NOT ${databaseThere(name)}`,
    there: `database ${name} is there`,
    missing: `database ${name} is not there`,
    otherwise: `database ${name} is what an interrupted DROP DATABASE left`,
  })
}

export function askDropDatabase(statement: DropdbStmt): Question {
  const name = statement.dbname ?? ''
  if (statement.missing_ok) return repeat('dropping again is harmless: IF EXISTS')
  return ask({
    landed: `NOT ${databaseThere(name)}`,
    absent: databaseThere(name),
    there: `database ${name} is gone`,
    missing: `database ${name} is still there`,
    otherwise: `database ${name} cannot be looked up`,
  })
}

/** ALTER DATABASE … SET TABLESPACE is looked up; other options can be set again. */
export function askAlterDatabase(statement: AlterDatabaseStmt): Question {
  const name = statement.dbname ?? ''
  const option = (statement.options ?? [])
    .flatMap((node) => ('DefElem' in node ? [node.DefElem] : []))
    .find(({ defname }) => defname === 'tablespace')?.arg
  if (!option || !('String' in option)) return repeat('setting it again changes nothing more')
  const tablespace = option.String.sval ?? ''
  const isThere = `(SELECT t.spcname FROM pg_tablespace t WHERE t.oid = d.dattablespace) = ${quoteLiteral(tablespace)}`
  return ask({
    landed: databaseThere(name, isThere),
    absent: databaseThere(name, `NOT (${isThere})`),
    weak: true,
    there: `database ${name} is in tablespace ${tablespace}`,
    missing: `database ${name} is not in tablespace ${tablespace}`,
    otherwise: `database ${name} is not there`,
  })
}

export function askDropRoles(statement: DropRoleStmt): Question {
  if (statement.missing_ok) return repeat('dropping again is harmless: IF EXISTS')
  return ask(
    ...(statement.roles ?? []).flatMap((node) => {
      if (!('RoleSpec' in node)) return []
      const name = node.RoleSpec.rolename ?? ''
      const found = `EXISTS (SELECT FROM pg_roles r WHERE r.rolname = ${quoteLiteral(name)})`
      return [
        {
          landed: `NOT ${found}`,
          absent: found,
          there: `role ${name} is gone`,
          missing: `role ${name} is still there`,
          otherwise: `role ${name} cannot be looked up`,
        },
      ]
    }),
  )
}

/** COMMIT PREPARED and ROLLBACK PREPARED end a prepared transaction; everything else belongs to a lost session. */
export function askTransaction(statement: TransactionStmt): Question {
  const id = statement.gid ?? ''
  const found = `EXISTS (SELECT FROM pg_prepared_xacts p WHERE p.gid = ${quoteLiteral(id)})`
  if (statement.kind === 'TRANS_STMT_COMMIT_PREPARED' || statement.kind === 'TRANS_STMT_ROLLBACK_PREPARED') {
    return ask({
      landed: `NOT ${found}`,
      absent: found,
      there: `no prepared transaction ${id} is left`,
      missing: `transaction ${id} is still prepared`,
      otherwise: `transaction ${id} cannot be looked up`,
    })
  }
  if (statement.kind === 'TRANS_STMT_PREPARE') {
    // Without the transaction that was to be prepared there is nothing to send again.
    return ask({
      landed: found,
      absent: 'false',
      there: `transaction ${id} is prepared`,
      missing: `transaction ${id} is not prepared`,
      otherwise: `transaction ${id} is not prepared, and what was to be in it is gone`,
    })
  }
  return unknown('the transaction that it was in ended with its session')
}
