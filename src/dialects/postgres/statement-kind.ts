import type { ParsedStatement } from './parse.ts'

/** Words that may follow in the name of a statement; the first that is none of them ends it. */
const vocabulary = new Set(
  `ABORT ACCESS AGGREGATE ALTER ANALYZE AUTHORIZATION BEGIN CALL CAST CHECKPOINT CLASS CLOSE CLUSTER COLLATION COMMENT
  COMMIT CONCURRENTLY CONFIGURATION CONSTRAINT CONSTRAINTS CONVERSION COPY CREATE DATA DATABASE DEALLOCATE DECLARE DEFAULT
  DELETE DICTIONARY DISCARD DO DOMAIN DROP END EVENT EXECUTE EXPLAIN EXTENSION FAMILY FETCH FOREIGN FUNCTION GRANT
  GROUP IMPORT INDEX INSERT INTO LANGUAGE LARGE LISTEN LOAD LOCK MATERIALIZED MERGE METHOD MOVE NOTIFY OBJECT OPERATOR
  OWNED PARSER POLICY PREPARE PREPARED PRIVILEGES PROCEDURE PUBLICATION REASSIGN REFRESH REINDEX RELEASE RESET REVOKE
  ROLE ROLLBACK ROUTINE RULE SAVEPOINT SCHEMA SEARCH SECURITY LABEL MAPPING SELECT SEQUENCE SERVER SET START STATISTICS
  SUBSCRIPTION SYSTEM TABLE TABLESPACE TEMPLATE TEXT TRANSACTION TRANSFORM TRIGGER TRUNCATE TYPE UNLISTEN UPDATE USER
  VACUUM VALUES VIEW WRAPPER`.split(/\s+/),
)
const passedOver = new Set(
  'OR REPLACE UNIQUE TEMP TEMPORARY UNLOGGED GLOBAL LOCAL RECURSIVE TRUSTED PROCEDURAL'.split(' '),
)
/** Statements with names of two words or more; the others are their first word. */
const compound = new Set(
  'ALTER CREATE DROP COMMIT ROLLBACK PREPARE IMPORT REASSIGN REFRESH SECURITY REINDEX SET START TRUNCATE'.split(' '),
)
/** Words after which the name goes on; after any other, the object's own name follows. */
const unfinished = new Set(
  'ACCESS CONSTRAINT DATA DEFAULT EVENT FOREIGN LARGE MATERIALIZED OPERATOR SEARCH SECURITY TEXT USER'.split(' '),
)
const dataStatements: Record<string, string> = {
  SelectStmt: 'SELECT',
  InsertStmt: 'INSERT',
  UpdateStmt: 'UPDATE',
  DeleteStmt: 'DELETE',
  MergeStmt: 'MERGE',
}

function* leadingWords(text: string): Generator<string> {
  const next = /(?:\s+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*(?:([A-Za-z]+)(?![\w$".]))?/y
  for (;;) {
    const found = next.exec(text)?.[1]
    if (found === undefined) return
    yield found.toUpperCase()
  }
}

/** What a statement is, for people: `CREATE INDEX CONCURRENTLY`, `ALTER TABLE`. */
export function nameStatement({ type, node }: Pick<ParsedStatement, 'type' | 'node'>, text: string): string {
  const data = dataStatements[type]
  if (data !== undefined) return data
  if (type === 'AlterEnumStmt') return 'oldVal' in node ? 'ALTER TYPE … RENAME VALUE' : 'ALTER TYPE … ADD VALUE'
  const words: string[] = []
  for (const next of leadingWords(text.slice(0, 500))) {
    if (passedOver.has(next) && words.length > 0) continue
    const last = words.at(-1)
    const isComplete = words.length > 1 && last !== undefined && !unfinished.has(last)
    if (!vocabulary.has(next) || (isComplete && next !== 'CONCURRENTLY')) break
    words.push(next)
    if (words[0] === 'SET' || (words.length === 1 && !compound.has(next))) break
  }
  const name = words.join(' ') || type.replace(/Stmt$/, '')
  if (name === 'ALTER TABLE' && /\bdetach\s+partition\b.*\bconcurrently\s*$/is.test(text)) {
    return 'ALTER TABLE … DETACH PARTITION CONCURRENTLY'
  }
  return name
}
