import { expect, test } from 'vitest'
import { readCsvSeed } from './read-csv.ts'
import { showKey } from './read-rows.ts'

async function read(text: string, name = '010_roles.csv') {
  const said: string[] = []
  const seed = await readCsvSeed(text, name, (message, line) => void said.push(`${line}: ${message}`))
  return { seed, said }
}

test('headings, keys, references, NULL and the empty text', async () => {
  const { seed, said } = await read(
    '# Roles.\n# tenantry:seed mode=owned removed=delete set=tenant\nname*,label,parent_id>roles.name,"own"\n"A, ""b""",,Top,{tenant}\n\n"two\nlines","",,x\n',
  )
  expect(said).toEqual([])
  expect(seed?.set).toBe('tenant')
  expect(seed?.body).toMatchObject({ table: 'roles', key: ['name'], mode: 'owned', removed: 'delete' })
  const [first, second] = seed?.body.rows ?? []
  expect(first?.line).toBe(4)
  expect([...(first?.values ?? [])]).toEqual([
    ['name', { kind: 'text', text: 'A, "b"' }],
    ['label', { kind: 'null' }],
    [
      'parent_id',
      { kind: 'reference', table: 'roles', by: new Map([['name', { kind: 'text', text: 'Top' }]]), column: 'id' },
    ],
    ['own', { kind: 'tenant', part: 'id' }],
  ])
  expect(second?.line).toBe(6)
  expect(second?.values.get('label')).toEqual({ kind: 'text', text: '' })
  expect(second?.values.get('parent_id')).toEqual({ kind: 'null' })
  expect(second && showKey(['name'], second)).toBe('name=two lines')
})

test('line ends of Windows, and a key that refers by another column', async () => {
  const { seed, said } = await read('role_id>roles.name(uid)*,can\r\nAdmin,true\r\n', 'links.csv')
  expect(said).toEqual([])
  expect(seed?.body.table).toBe('links')
  expect(seed?.body.rows[0]?.values.get('role_id')).toMatchObject({ column: 'uid' })
})

test.each([
  ['', ['1: it has no line of headings']],
  ['name,label\n', ['1: no heading is marked as part of the key: write `name*`']],
  ['name*,\na,b\n', ['1: column 2 has no heading']],
  ['name*,name\na,b\n', ['1: the heading "name" is there twice']],
  ['name*,x>y\na,b\n', ['1: the heading of column 2 cannot be read']],
  [
    'name*,label\na\nb,c,d\n',
    ['2: it has 1 cells, and there are 2 headings', '3: it has 3 cells, and there are 2 headings'],
  ],
  ['name*,label\na,"b\n', ['2: a quote that begins here is never closed']],
  ['name*,label\na,b"c"\n', ['2: a quote inside a cell must be written twice (`""`)']],
  ['name*,label\n,b\n', ['2: `name` is part of the key, and is NULL']],
  ['name*,label\na,b\na,c\n', ['3: the row name=a is there twice, first in line 2']],
  ['# tenantry:seed mod=owned\nname*\na\n', ['1: its header has an unknown word `mod`']],
])('%j is refused', async (text, expected) => {
  const { said } = await read(text)
  expect(said.map((line) => line.replace(/(`mod`).*/, '$1'))).toEqual(expected)
})
