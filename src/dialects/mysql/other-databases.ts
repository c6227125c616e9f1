import { nameOf, type Word } from './lex.ts'

/** Words that the name of a table (or another object) comes after. */
const before = new Set(
  'FROM JOIN INTO UPDATE TABLE TABLES VIEW REFERENCES TRIGGER PROCEDURE FUNCTION EVENT CALL SEQUENCE EXISTS LIKE'.split(
    ' ',
  ),
)
const catalogs = new Set(['information_schema', 'performance_schema'])
const isName = (word: Word | undefined) => word?.type === 'word' || word?.type === 'name'

/** Databases that a statement names in front of a table: it leaves its own. Columns (`t.a`) are told from tables. */
export function findDatabases(words: readonly Word[]): { database: string; object: string }[] {
  const found = new Map<string, { database: string; object: string }>()
  const first = words[0]?.key
  const named = new Set([...before, ...(first === 'RENAME' ? ['TO', ','] : []), ...(first === 'DROP' ? [','] : [])])
  const onTable = first === 'CREATE' || first === 'DROP' || first === 'GRANT' || first === 'REVOKE'
  let sawOn = false
  for (const [i, { key }] of words.entries()) {
    // The first ON of CREATE INDEX and CREATE TRIGGER is followed by their table, others by a condition.
    const isOn = key === 'ON' && onTable && !sawOn
    if (key === 'ON' || key === 'AS' || key === 'SELECT') sawOn = true
    if (!named.has(key) && !isOn) continue
    // EXTRACT(YEAR FROM t.a), TRIM('x' FROM t.a)
    if (key === 'FROM' && words[i - 2]?.key === '(' && ['EXTRACT', 'TRIM'].includes(words[i - 3]?.key ?? '')) continue
    const [database, dot, object] = words.slice(i + 1, i + 4)
    if (!isName(database) || dot?.key !== '.' || object === undefined || object.start !== dot.end) continue
    const name = nameOf(database as Word)
    if (!catalogs.has(name.toLowerCase())) found.set(name, { database: name, object: nameOf(object) })
  }
  return [...found.values()]
}
