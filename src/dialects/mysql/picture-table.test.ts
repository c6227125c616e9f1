/** What MySQL writes and MariaDB does not, as its manual and its sources show it. */
import { expect, test } from 'vitest'
import { ownSchema } from '../../model/picture.ts'
import { readTable, type Table } from './picture-table.ts'
import { comparable, markOwn, modesOf, type Own, textOf, withoutDefiner } from './picture-text.ts'

const own: Own = { database: 'shop', objects: new Set(['orders', 'total']), folded: false }
const defaults = new Map([
  ['utf8mb4', 'utf8mb4_0900_ai_ci'],
  ['latin1', 'latin1_swedish_ci'],
])
const read = (text: string): Table => readTable(text, own, 'utf8mb4_0900_ai_ci', defaults)
const columns = (table: Table) => Object.fromEntries(table.columns.map(({ name, properties }) => [name, properties]))
const parts = (table: Table) => table.parts.map(({ kind, name, properties }) => [kind, name, properties])

const eight = `CREATE TABLE \`t\` (
  \`id\` int unsigned NOT NULL AUTO_INCREMENT,
  \`n\` int DEFAULT '0',
  \`name\` varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci DEFAULT 'a,b',
  \`code\` char(3) CHARACTER SET latin1 DEFAULT NULL,
  \`key\` varchar(36) NOT NULL DEFAULT (uuid()),
  \`body\` text,
  \`place\` point NOT NULL /*!80003 SRID 4326 */,
  \`hidden\` int DEFAULT '1' /*!80023 INVISIBLE */,
  \`sum\` int GENERATED ALWAYS AS ((\`n\` + 1)) STORED COMMENT 'n and; one',
  \`at\` timestamp(3) NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  PRIMARY KEY (\`id\`),
  UNIQUE KEY \`u\` ((lower(\`name\`)),\`n\` DESC) COMMENT 'x' /*!80000 INVISIBLE */,
  KEY \`h\` (\`name\`(10)) USING HASH,
  FULLTEXT KEY \`f\` (\`body\`) /*!50100 WITH PARSER \`ngram\` */ ,
  CONSTRAINT \`fk\` FOREIGN KEY (\`n\`, \`id\`) REFERENCES \`other\`.\`a\` (\`n\`, \`id\`) ON DELETE SET NULL ON UPDATE RESTRICT,
  CONSTRAINT \`c\` CHECK ((\`n\` > 0)) /*!80016 NOT ENFORCED */
) ENGINE=InnoDB AUTO_INCREMENT=5 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci KEY_BLOCK_SIZE=8 COMMENT='it''s'
/*!50100 PARTITION BY RANGE (\`id\`)
(PARTITION p0 VALUES LESS THAN (10) ENGINE = InnoDB,
 PARTITION p1 VALUES LESS THAN MAXVALUE ENGINE = InnoDB) */`

test('a table of MySQL 8', () => {
  const table = read(eight)
  expect(table.properties).toEqual({
    engine: 'InnoDB',
    key_block_size: '8',
    partitions:
      'PARTITION BY RANGE (`id`) (PARTITION p0 VALUES LESS THAN (10) ENGINE = InnoDB, PARTITION p1 VALUES LESS THAN MAXVALUE ENGINE = InnoDB)',
  })
  expect(table.comment).toBe("it's")
  expect(columns(table)).toEqual({
    id: { type: 'int unsigned', nullable: 'no', counter: 'auto_increment' },
    n: { type: 'int', nullable: 'yes', default: '0' },
    name: { type: 'varchar(20)', nullable: 'yes', default: "'a,b'" },
    code: { type: 'char(3)', nullable: 'yes', default: 'NULL', collation: 'latin1_swedish_ci' },
    key: { type: 'varchar(36)', nullable: 'no', default: '(uuid())' },
    body: { type: 'text', nullable: 'yes', default: 'NULL' },
    place: { type: 'point', nullable: 'no', further: 'SRID 4326' },
    hidden: { type: 'int', nullable: 'yes', default: '1', visible: 'no' },
    sum: { type: 'int', nullable: 'yes', generated: '((`n` + 1)) STORED' },
    at: {
      type: 'timestamp(3)',
      nullable: 'yes',
      default: 'current_timestamp(3)',
      'on update': 'current_timestamp(3)',
    },
  })
  expect(parts(table)).toEqual([
    ['primary-key', 'PRIMARY', { columns: '`id`' }],
    ['unique', 'u', { columns: '(lower(`name`)),`n` DESC', visible: 'no' }],
    ['index', 'h', { columns: '`name`(10)', method: 'hash' }],
    ['index', 'f', { columns: '`body`', method: 'fulltext', further: 'WITH PARSER `ngram`' }],
    [
      'foreign-key',
      'fk',
      { columns: '`n`, `id`', references: '`other`.`a` (`n`, `id`)', 'on delete': 'SET NULL', 'on update': 'RESTRICT' },
    ],
    ['check', 'c', { definition: '((`n` > 0))', enforced: 'no' }],
  ])
})

test('what is made again says everything that counts', () => {
  const table = read(eight)
  const clauses = Object.fromEntries([...table.columns, ...table.parts].map(({ name, clause }) => [name, clause]))
  expect(clauses).toMatchObject({
    name: "`name` varchar(20) DEFAULT 'a,b'",
    code: '`code` char(3) CHARACTER SET latin1 DEFAULT NULL',
    place: '`place` point NOT NULL /*!80003 SRID 4326 */',
    hidden: "`hidden` int DEFAULT '1' /*!80023 INVISIBLE */",
    u: "UNIQUE KEY `u` ((lower(`name`)),`n` DESC) COMMENT 'x' /*!80000 INVISIBLE */",
    f: 'FULLTEXT KEY `f` (`body`) /*!50100 WITH PARSER `ngram` */',
    c: 'CONSTRAINT `c` CHECK ((`n` > 0)) /*!80016 NOT ENFORCED */',
  })
  expect(table.options).toMatch(/^ENGINE=InnoDB KEY_BLOCK_SIZE=8 COMMENT='it''s' PARTITION BY RANGE/)
})

test('widths of integers say nothing, but for a truth value and what is filled with zeros', () => {
  const types = ['int(11)', 'bigint(20) unsigned', 'tinyint(1)', 'tinyint(4)', 'int(4) unsigned zerofill', 'year(4)']
  const lines = types.map((type, i) => `\`c${i}\` ${type} NOT NULL`)
  const found = read(`CREATE TABLE \`t\` (\n${lines.join(',\n')}\n) ENGINE=InnoDB`).columns
  expect(found.map(({ properties }) => properties.type)).toEqual([
    'int',
    'bigint unsigned',
    'tinyint(1)',
    'tinyint',
    'int(4) unsigned zerofill',
    'year',
  ])
})

test('a collation is told where it is not that of what is around it', () => {
  const line = (charset: string) => `CREATE TABLE \`t\` (\n  \`a\` text\n) ENGINE=InnoDB ${charset}`
  expect(read(line('DEFAULT CHARSET=utf8mb4')).properties).toEqual({ engine: 'InnoDB' })
  expect(read(line('DEFAULT CHARSET=latin1')).properties).toEqual({ engine: 'InnoDB', collation: 'latin1_swedish_ci' })
  const other = read(line('DEFAULT CHARSET=utf8 COLLATE=utf8_bin'))
  expect(other.properties.collation).toBe('utf8mb3_bin')
  expect(other.options).toBe('DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_bin ENGINE=InnoDB')
})

test('where a table lies and how it is reached is not written down', () => {
  const table = read(
    "CREATE TABLE `t` (\n  `a` int\n) ENGINE=FEDERATED DEFAULT CHARSET=utf8mb4 DATA DIRECTORY='/mnt/x' CONNECTION='mysql://u:geheim@h/d/t' UNION=(`a`,`b`)",
  )
  expect(table.isRemote).toBe(true)
  expect(table.properties).toEqual({ engine: 'FEDERATED', union: '(`a`,`b`)' })
  expect(JSON.stringify(table)).not.toMatch(/geheim|mnt/)
})

test('names of the own database are told from columns, aliases and texts', () => {
  const mark = (text: string, mode = '') => markOwn(text, own, modesOf(mode)).replaceAll(ownSchema, '§')
  expect(mark('select shop.id, shop.orders.id, `shop`.`total`(1) from shop.gone, x.shop.orders')).toBe(
    'select shop.id, §.orders.id, §.`total`(1) from §.gone, x.shop.orders',
  )
  expect(mark('select \'shop.orders\' /* shop.orders */ -- shop.orders\n, "shop".orders')).toBe(
    'select \'shop.orders\' /* shop.orders */ -- shop.orders\n, "shop".orders',
  )
  expect(mark('select "shop"."orders"."id"', 'ANSI_QUOTES')).toBe('select §."orders"."id"')
  expect(mark("select '\\', shop.orders.id", 'NO_BACKSLASH_ESCAPES')).toBe("select '\\', shop.orders.id")
  expect(mark('select SHOP.orders.id')).toBe('select SHOP.orders.id')
  expect(markOwn('select SHOP.orders.id', { ...own, folded: true })).toBe(`select ${ownSchema}.orders.id`)
  expect(comparable("begin\n  -- no\n\tselect  'a  b' /* x */ ;\nend", own)).toBe("begin select 'a  b' ; end")
})

test('who made it is cut out, and texts say what they say', () => {
  expect(withoutDefiner('CREATE DEFINER=`a b`@`%` PROCEDURE `p`() x')).toBe('CREATE PROCEDURE `p`() x')
  expect(withoutDefiner('CREATE DEFINER=`role` FUNCTION `p`() x')).toBe('CREATE FUNCTION `p`() x')
  expect(withoutDefiner('CREATE ALGORITHM=MERGE DEFINER=`a`@`h` SQL SECURITY DEFINER VIEW `v` AS x')).toBe(
    'CREATE ALGORITHM=MERGE SQL SECURITY DEFINER VIEW `v` AS x',
  )
  expect(withoutDefiner('CREATE TABLE `t` (`DEFINER` int)')).toBe('CREATE TABLE `t` (`DEFINER` int)')
  expect(textOf("'it''s\\n\\\\x\\''")).toBe("it's\n\\x'")
})
