import { type Connection, DatabaseError } from '../../model/dialect.ts'
import type { Dropped, Made, PlaceGrant, Places } from '../../model/places.ts'
import { runAll } from './provision-sql.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'
import { scramVerifier } from './scram.ts'

/** Mark of a role; undefined: there is none of this name. */
async function readMark(connection: Connection, name: string): Promise<string | null | undefined> {
  const [row] = await connection.query(
    `SELECT pg_catalog.shobj_description(r.oid, 'pg_authid') AS mark FROM pg_catalog.pg_roles r
      WHERE r.rolname OPERATOR(pg_catalog.=) $1::name`,
    [name],
  )
  return row === undefined ? undefined : (row.mark as string | null)
}

export const makeRole: Places['makeRole'] = async (connection, { name, password }, mark): Promise<Made> => {
  const role = quoteIdentifier(name)
  const verifier = quoteLiteral(await scramVerifier(password))
  const { failure } = await connection.pipeline([
    'BEGIN',
    // What the place is made of comes after it, and takes it along to the disk.
    'SET LOCAL synchronous_commit = off',
    `CREATE ROLE ${role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD ${verifier}`,
    `COMMENT ON ROLE ${role} IS ${quoteLiteral(mark)}`,
    'COMMIT',
  ])
  if (failure === null) return 'made'
  const found = await readMark(connection, name)
  if (found === undefined) throw new DatabaseError(failure)
  if (found !== mark) return 'taken'
  await connection.query(`ALTER ROLE ${role} LOGIN PASSWORD ${verifier}`)
  return 'there'
}

/**
 * Rows of everything in the place, now and later; of books only to read. Statements over schemas go by a loop in the
 * server: it knows which there are. Sessions of the role find the tenant's tables without naming their schema.
 */
export const grantPlace: Places['grant'] = async (connection, grant) => {
  const role = quoteIdentifier(grant.role)
  // Within statements that are texts themselves, the server quotes it.
  const roleText = quoteLiteral(grant.role)
  const database = quoteIdentifier(grant.database)
  const { schema, sharedSchema, books } = grant
  const own = schema === null ? [] : [`ALTER ROLE ${role} IN DATABASE ${database} SET search_path = ${path(grant)}`]
  const within =
    schema === null
      ? "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
      : `n.nspname = ${quoteLiteral(schema)}`
  const later =
    schema === null ? 'ALTER DEFAULT PRIVILEGES' : `ALTER DEFAULT PRIVILEGES IN SCHEMA ${quoteIdentifier(schema)}`
  const body = `DECLARE s text; t text; BEGIN
  FOR s IN SELECT n.nspname FROM pg_namespace n WHERE ${within} LOOP
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', s, ${roleText});
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %I TO %I', s, ${roleText});
    EXECUTE format('GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA %I TO %I', s, ${roleText});
    FOR t IN SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = s AND c.relkind IN ('r', 'p') AND c.relname IN (${books.map(quoteLiteral).join(', ') || 'NULL'}) LOOP
      EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON %I.%I FROM %I', s, t, ${roleText});
    END LOOP;
  END LOOP;
  IF EXISTS (SELECT FROM pg_namespace n WHERE n.nspname = ${quoteLiteral(sharedSchema)}) THEN
    GRANT USAGE ON SCHEMA ${quoteIdentifier(sharedSchema)} TO ${role};
  END IF;
END`
  await runAll(connection, [
    'BEGIN',
    'SET LOCAL search_path = pg_catalog',
    `DO ${quoteLiteral(body)}`,
    ...(schema === null ? [`${later} GRANT USAGE ON SCHEMAS TO ${role}`] : []),
    `${later} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ${role}`,
    `${later} GRANT USAGE, SELECT ON SEQUENCES TO ${role}`,
    `GRANT CONNECT${schema === null ? ', TEMPORARY' : ''} ON DATABASE ${database} TO ${role}`,
    ...own,
    'COMMIT',
  ])
}

function path({ schema, sharedSchema }: PlaceGrant): string {
  return [...new Set([schema ?? '', sharedSchema])].map(quoteIdentifier).join(', ')
}

/** Rights that it was given in this database go first: they keep it from being dropped. */
export async function dropRole(connection: Connection, name: string, mark: string): Promise<Dropped> {
  const found = await readMark(connection, name)
  if (found === undefined) return 'gone'
  if (found !== mark) return 'taken'
  const role = quoteIdentifier(name)
  const roleText = quoteLiteral(name)
  const body = `DECLARE s text; BEGIN
  FOR s IN SELECT n.nspname FROM pg_namespace n WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND EXISTS (SELECT FROM aclexplode(n.nspacl) a WHERE a.grantee = ${quoteLiteral(role)}::regrole) LOOP
    EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA %I FROM %I', s, ${roleText});
    EXECUTE format('REVOKE ALL ON ALL SEQUENCES IN SCHEMA %I FROM %I', s, ${roleText});
    EXECUTE format('REVOKE ALL ON SCHEMA %I FROM %I', s, ${roleText});
  END LOOP;
END`
  await runAll(connection, [
    'BEGIN',
    'SET LOCAL search_path = pg_catalog',
    `DO ${quoteLiteral(body)}`,
    `REVOKE ALL ON DATABASE ${quoteIdentifier(connection.database)} FROM ${role}`,
    `DROP ROLE ${role}`,
    'COMMIT',
  ])
  return 'dropped'
}
