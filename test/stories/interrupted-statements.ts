/** Statements to be cut off from, each with what is there before and what must be there once afterwards. */

export interface Interrupted {
  /** In the file; `{n}` is unique per run, for names that belong to the whole server. */
  statement: string
  setup?: string
  /** SQL boolean: the effect is there, once. */
  done: string
}

const there = (name: string) => `to_regclass('${name}') IS NOT NULL`
const gone = (name: string) => `to_regclass('${name}') IS NULL`
const valid = (name: string) => `(SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('${name}'))`
const noLeftovers = `NOT EXISTS (SELECT FROM pg_index WHERE NOT indisvalid) AND NOT EXISTS (SELECT FROM pg_class WHERE relname ~ '_ccnew')`
const partitioned = 'CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1)'
const procedure = 'CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$begin return new; end$$'

/** These cannot be in a transaction block. */
export const refusedInBlock: Interrupted[] = [
  { statement: 'CREATE INDEX CONCURRENTLY i ON t (a)', done: valid('i') },
  { statement: 'CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (lower(b)) WHERE a > 1', done: valid('i') },
  { statement: 'CREATE UNIQUE INDEX CONCURRENTLY u ON t (b)', done: valid('u') },
  { statement: 'CREATE INDEX CONCURRENTLY ON t (a, b)', done: `${valid('t_a_b_idx')} AND ${gone('t_a_b_idx1')}` },
  { statement: 'DROP INDEX CONCURRENTLY d', setup: 'CREATE INDEX d ON t (a)', done: gone('d') },
  {
    statement: 'REINDEX INDEX CONCURRENTLY r',
    setup: 'CREATE INDEX r ON t (a)',
    done: `${valid('r')} AND ${noLeftovers}`,
  },
  { statement: 'REINDEX TABLE CONCURRENTLY t', done: noLeftovers },
  { statement: 'REINDEX SCHEMA public', done: noLeftovers },
  { statement: 'REINDEX DATABASE', done: noLeftovers },
  { statement: 'VACUUM (ANALYZE) t', done: `(SELECT reltuples FROM pg_class WHERE oid = 't'::regclass) = 50` },
  { statement: 'VACUUM FULL t', done: 'true' },
  {
    statement: 'CLUSTER t USING t_pkey',
    done: `(SELECT indisclustered FROM pg_index WHERE indexrelid = 't_pkey'::regclass)`,
  },
  { statement: 'CLUSTER', done: 'true' },
  {
    statement: "ALTER SYSTEM SET deadlock_timeout = '{n}ms'",
    done: `EXISTS (SELECT FROM pg_file_settings WHERE name = 'deadlock_timeout' AND setting = '{n}ms')`,
  },
  { statement: 'CREATE DATABASE made_{n}', done: `EXISTS (SELECT FROM pg_database WHERE datname = 'made_{n}')` },
  {
    statement: 'DROP DATABASE old_{n}',
    setup: 'CREATE DATABASE old_{n} TEMPLATE template0',
    done: `NOT EXISTS (SELECT FROM pg_database WHERE datname = 'old_{n}')`,
  },
  {
    statement: "CREATE TABLESPACE space_{n} LOCATION ''",
    done: `EXISTS (SELECT FROM pg_tablespace WHERE spcname = 'space_{n}')`,
  },
  {
    statement: 'DROP TABLESPACE full_{n}',
    setup: "CREATE TABLESPACE full_{n} LOCATION ''",
    done: `NOT EXISTS (SELECT FROM pg_tablespace WHERE spcname = 'full_{n}')`,
  },
  {
    statement: 'ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY',
    setup: partitioned,
    done: `${there('p1')} AND NOT EXISTS (SELECT FROM pg_inherits)`,
  },
  {
    statement: "COMMIT PREPARED 'held_{n}'",
    setup: "BEGIN; INSERT INTO t VALUES (1000); PREPARE TRANSACTION 'held_{n}'",
    done: `EXISTS (SELECT FROM t WHERE id = 1000) AND NOT EXISTS (SELECT FROM pg_prepared_xacts WHERE gid = 'held_{n}')`,
  },
  {
    statement: "ROLLBACK PREPARED 'kept_{n}'",
    setup: "BEGIN; INSERT INTO t VALUES (1000); PREPARE TRANSACTION 'kept_{n}'",
    done: `NOT EXISTS (SELECT FROM t WHERE id = 1000) AND NOT EXISTS (SELECT FROM pg_prepared_xacts WHERE gid = 'kept_{n}')`,
  },
  { statement: 'DISCARD ALL', done: 'true' },
]

/** These can; a file with `-- tenantry:no-transaction` still runs them one by one. */
export const allowedInBlock: Interrupted[] = [
  { statement: 'CREATE TABLE made (id serial PRIMARY KEY, a text NOT NULL)', done: there('made') },
  { statement: 'CREATE TABLE made AS SELECT id FROM t', done: '(SELECT count(*) FROM made) = 50' },
  { statement: 'DROP TABLE s', setup: 'CREATE TABLE s ()', done: gone('s') },
  { statement: 'ALTER TABLE t ADD COLUMN c int DEFAULT 3', done: '(SELECT sum(c) FROM t) = 150' },
  { statement: 'ALTER TABLE t RENAME COLUMN b TO c', done: '(SELECT count(c) FROM t) = 50' },
  {
    statement: 'ALTER TABLE t ADD CHECK (a > 0)',
    done: `(SELECT count(*) FROM pg_constraint WHERE conrelid = 't'::regclass AND contype = 'c') = 1`,
  },
  {
    statement: 'ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES t',
    done: `(SELECT count(*) FROM pg_constraint WHERE conrelid = 't'::regclass AND contype = 'f') = 1`,
  },
  { statement: 'CREATE INDEX ON t (a)', done: `${there('t_a_idx')} AND ${gone('t_a_idx1')}` },
  { statement: "CREATE TYPE mood AS ENUM ('sad', 'ok')", done: `'ok'::mood IS NOT NULL` },
  {
    statement: "ALTER TYPE mood ADD VALUE 'ok'",
    setup: "CREATE TYPE mood AS ENUM ('sad')",
    done: `(SELECT count(*) FROM pg_enum WHERE enumlabel = 'ok') = 1`,
  },
  { statement: 'CREATE DOMAIN short AS varchar(5)', done: `to_regtype('short') IS NOT NULL` },
  { statement: 'CREATE SEQUENCE numbers START 5', done: `nextval('numbers') = 5` },
  {
    statement: "SELECT setval('s', nextval('s') + 10)",
    setup: 'CREATE SEQUENCE s',
    done: `(SELECT last_value FROM s) = 11`,
  },
  { statement: procedure, done: `to_regproc('f') IS NOT NULL` },
  {
    statement: 'CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()',
    setup: procedure,
    done: `(SELECT count(*) FROM pg_trigger WHERE tgname = 'g') = 1`,
  },
  {
    statement: 'CREATE POLICY mine ON t USING (a > 0)',
    done: `(SELECT count(*) FROM pg_policies WHERE policyname = 'mine') = 1`,
  },
  { statement: 'CREATE VIEW v AS SELECT id FROM t', done: there('v') },
  { statement: 'CREATE MATERIALIZED VIEW m AS SELECT id FROM t', done: '(SELECT count(*) FROM m) = 50' },
  { statement: 'CREATE SCHEMA side', done: `to_regnamespace('side') IS NOT NULL` },
  {
    statement: "INSERT INTO t VALUES (100, 1, 'x'), (101, 1, 'x')",
    done: `(SELECT count(*) FROM t WHERE b = 'x') = 2`,
  },
  { statement: 'UPDATE t SET a = a * 10', done: '(SELECT sum(a) FROM t) = 12750' },
  { statement: 'DELETE FROM t WHERE id % 2 = 0', done: '(SELECT count(*) FROM t) = 25' },
  { statement: "COMMENT ON TABLE t IS 'said'", done: `obj_description('t'::regclass) = 'said'` },
  { statement: 'GRANT SELECT ON t TO PUBLIC', done: `has_table_privilege('pg_monitor', 't', 'SELECT')` },
  {
    statement: "CREATE SUBSCRIPTION sub_{n} CONNECTION 'dbname=nowhere' PUBLICATION x WITH (connect = false)",
    done: `(SELECT count(*) FROM pg_subscription WHERE subname = 'sub_{n}') = 1`,
  },
]
