import { expect, test } from 'vitest'
import { loadDriver } from './driver.ts'
import { splitSql } from './split.ts'

const split = (text: string) => [...splitSql(text)].map(({ start, end }) => text.slice(start, end))

test.each([
  ['nothing', '', []],
  ['comments alone', '-- a;\n/* b; */ ;;', []],
  ['without the last semicolon', 'SELECT 1; SELECT 2', ['SELECT 1', 'SELECT 2']],
  [
    'semicolons in texts, names and comments',
    `SELECT ';', ";", [;], \`;\`, 'it''s;' -- ;\n, /* ; */ 1; SELECT 2;`,
    [`SELECT ';', ";", [;], \`;\`, 'it''s;' -- ;\n, /* ; */ 1`, 'SELECT 2'],
  ],
  [
    'triggers',
    `CREATE TEMP TRIGGER t AFTER INSERT ON a BEGIN
  SELECT CASE WHEN 1 THEN 2 END;
  UPDATE a SET b = 'END;';
END; SELECT 1;`,
    [
      `CREATE TEMP TRIGGER t AFTER INSERT ON a BEGIN
  SELECT CASE WHEN 1 THEN 2 END;
  UPDATE a SET b = 'END;';
END`,
      'SELECT 1',
    ],
  ],
  ['a trigger that ends the file', 'CREATE TRIGGER t BEGIN SELECT 1; END', ['CREATE TRIGGER t BEGIN SELECT 1; END']],
  ['a table called trigger', 'CREATE TABLE "trigger" (a); BEGIN; END;', ['CREATE TABLE "trigger" (a)', 'BEGIN', 'END']],
  ['what never ends', "SELECT 1; SELECT 'a; b", ['SELECT 1', "SELECT 'a; b"]],
])('%s', (_title, text, expected) => {
  expect(split(text)).toEqual(expected)
})

test('SQLite itself takes each piece, and the whole, for the same', () => {
  const text = `CREATE TABLE a (id INTEGER PRIMARY KEY, b TEXT DEFAULT 'x;y'); -- first;
CREATE TABLE log (w TEXT);
CREATE TRIGGER a_log AFTER UPDATE OF b ON a WHEN NEW.b <> ';' BEGIN
  INSERT INTO log VALUES (CASE WHEN NEW.b = 'END;' THEN 'e' ELSE NEW.b END);
  DELETE FROM log WHERE w = ';END;';
END;
INSERT INTO a (b) VALUES ('one'), ('END;'); UPDATE a SET b = b || ';' WHERE id = 1;
UPDATE a SET b = 'END;' WHERE id = 2`
  const read = (run: (exec: (sql: string) => void) => void) => {
    const handle = loadDriver().open({ memory: true })
    run((sql) => handle.exec(sql))
    const rows = handle.all(
      'SELECT b AS v FROM a UNION ALL SELECT w FROM log UNION ALL SELECT sql FROM sqlite_master',
      [],
    )
    handle.close()
    return rows
  }
  const pieces = split(text)
  expect(pieces).toHaveLength(6)
  expect(read((exec) => pieces.forEach(exec))).toEqual(read((exec) => exec(text)))
})
