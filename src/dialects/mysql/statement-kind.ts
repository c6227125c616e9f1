import { afterSetStatement } from './classify.ts'
import type { Word } from './lex.ts'

/** Statements with names of two words or more; the others are their first word. */
const compound = new Set(
  `ALTER CREATE DROP RENAME LOAD LOCK UNLOCK START STOP FLUSH RESET ANALYZE OPTIMIZE REPAIR CHECK CHECKSUM CACHE CHANGE
  INSTALL UNINSTALL IMPORT XA SHOW SET DEALLOCATE EXECUTE PURGE`.split(/\s+/),
)
const passedOver = new Set(
  `OR REPLACE TEMPORARY UNIQUE FULLTEXT SPATIAL ONLINE OFFLINE IGNORE LOCAL NO_WRITE_TO_BINLOG AGGREGATE DEFINER ALGORITHM
  SQL SECURITY INVOKER UNDEFINED MERGE TEMPTABLE UNDO VECTOR`.split(/\s+/),
)
/** Words that stand for something else than a kind: `SET x`, `FLUSH x` keep only these. */
const second = new Set(
  `TABLE TABLES VIEW DATABASE SCHEMA INDEX TRIGGER PROCEDURE FUNCTION EVENT USER ROLE SERVER TABLESPACE LOGFILE SEQUENCE
  PACKAGE INSTANCE RESOURCE DATA XML TRANSACTION REPLICA SLAVE MASTER REPLICATION PLUGIN SONAME COMPONENT PREPARE IMMEDIATE
  PRIVILEGES PASSWORD NAMES CHARACTER COMMIT ROLLBACK END RECOVER BINARY`.split(/\s+/),
)

/** What a statement is, for people: `CREATE INDEX`, `ALTER TABLE`. `words`: the first dozen. */
export function nameStatement(words: readonly Word[]): string {
  const inner = afterSetStatement(words)
  if (inner) return nameStatement(inner)
  const first = words[0]?.key ?? ''
  if (first === '') return 'SQL'
  if (first === '(') return 'SELECT'
  if (first === 'BEGIN' && words[1]?.key === 'NOT') return 'BEGIN NOT ATOMIC'
  if (!compound.has(first)) return first
  for (const [i, { key, type }] of words.entries()) {
    if (i === 0) continue
    const before = words[i - 1]?.key
    if (before === '=' || before === '@') continue
    if (second.has(key)) return first === 'SET' && key === 'TRANSACTION' ? 'SET TRANSACTION' : `${first} ${key}`
    const goesOn = passedOver.has(key) || ['=', '@', '(', ')', 'SESSION', 'GLOBAL'].includes(key)
    if (!goesOn && type === 'word' && first !== 'CREATE') break
  }
  return first
}
