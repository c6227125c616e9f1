import { expect, it } from 'vitest'
import { flywayChecksum } from './checksum.ts'
import { lockOfTable } from './shape.ts'

it.each([
  // What Flyway 6.5.7 itself wrote for these files.
  ['CREATE TABLE a (id int primary key);\n', -850974230],
  ['create table b (id int);\r\ninsert into b values (1);\r\n', 594717475],
  ['\uFEFFcreate table c (id int);', -1829822902],
  ["create view v as select 'x' as n;\n", 765959866],
])('gives the checksum of %j', (text, expected) => {
  expect(flywayChecksum(text)).toBe(expected)
})

it('names the lock as Flyway does', () => {
  // As Java 17 works out `LOCK_MAGIC_NUM + table.hashCode()`.
  expect(lockOfTable('"public"."flyway_schema_history"')).toEqual({ key: '77433833903597', name: 'Flyway-2125624436' })
  expect(lockOfTable('`app`.`flyway_schema_history`')).toEqual({ key: '77431387629105', name: 'Flyway--320650056' })
})
