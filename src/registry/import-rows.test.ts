import { describe, expect, test } from 'vitest'
import { looksLikeJson, readCsvRows, readJsonRows } from './import-rows.ts'

describe('CSV', () => {
  const rows = async (text: string) => (await readCsvRows(text)).rows.map(({ line, values }) => [line, values])

  test('headings, CRLF, quotes, line ends in cells, empty lines and cells', async () => {
    const read = await readCsvRows('slug,name,schema\r\na,"x ""y"", z",\r\n\r\nb,"two\r\nlines",t_b\r\nc\r\n')
    expect(read).toEqual({
      problems: [],
      rows: [
        { line: 2, values: { slug: 'a', name: 'x "y", z' } },
        { line: 4, values: { slug: 'b', name: 'two\nlines', schema: 't_b' } },
        { line: 6, values: { slug: 'c' } },
      ],
    })
  })

  test.each([';', '\t', ','])('parted by %j', async (by) => {
    expect(await rows(`slug${by}database\na${by}"x,y;z"\n`)).toEqual([[2, { slug: 'a', database: 'x,y;z' }]])
  })

  test('nothing in it', async () => {
    for (const text of ['', '\n\n', 'slug,name\n']) expect(await readCsvRows(text)).toEqual({ rows: [], problems: [] })
  })

  test('a line with wrong quotes is told, and the others are read', async () => {
    const { rows: read, problems } = await readCsvRows('slug,name\na,1\n"b"x,hunter2\nc,3\nd,"e"f\n\ne,5\n')
    expect(read.map(({ line, values }) => [line, values.slug])).toEqual([
      [2, 'a'],
      [4, 'c'],
      [7, 'e'],
    ])
    expect(problems.map(({ line }) => line)).toEqual([3, 5])
    expect(JSON.stringify(problems)).not.toContain('hunter2')
  })

  test('a quote that is never closed costs its own line only', async () => {
    const { rows: read, problems } = await readCsvRows('slug,name\na,1\nb,"open\nc,3\n')
    expect(read.map(({ values }) => values.slug)).toEqual(['a', 'c'])
    expect(problems).toMatchObject([{ line: 3, message: expect.stringContaining('never closed') }])
  })

  test('a file of another kind is not read to its end', async () => {
    const { problems } = await readCsvRows(`slug\n${'a"b"c"\n'.repeat(500)}`)
    expect(problems.length).toBeLessThan(60)
    expect(problems.at(-1)?.message).toContain('none was read')
  })

  test('cells without a heading, headings that are there twice', async () => {
    const { problems } = await readCsvRows('slug,name,name,\na,1,2,3,4\n')
    expect(problems.map(({ line, message }) => `${line} ${message}`)).toEqual([
      '1 the heading "name" is there twice',
      '1 column 4 has no heading',
      '2 has 5 cells, and there are 4 headings',
    ])
  })

  test('a heading is a name, whatever it is', async () => {
    expect(await rows('slug,__proto__,constructor\na,x,y\n')).toEqual([
      [
        2,
        Object.fromEntries([
          ['slug', 'a'],
          ['__proto__', 'x'],
          ['constructor', 'y'],
        ]),
      ],
    ])
  })
})

describe('JSON', () => {
  test('a list: each with its line', () => {
    const { rows, problems } = readJsonRows('[\n  { "slug": "a" },\n\n  {\n    "slug": "b, ]}"\n  }, {"slug":"c"}\n]\n')
    expect(problems).toEqual([])
    expect(rows).toEqual([
      { line: 2, values: { slug: 'a' } },
      { line: 4, values: { slug: 'b, ]}' } },
      { line: 6, values: { slug: 'c' } },
    ])
  })

  test('lines', () => {
    expect(readJsonRows('{"slug":"a"}\r\n\r\n{"slug":"b"}\r\n')).toEqual({
      problems: [],
      rows: [
        { line: 1, values: { slug: 'a' } },
        { line: 3, values: { slug: 'b' } },
      ],
    })
  })

  test('one over several lines', () => {
    expect(readJsonRows('{\n  "slug": "a"\n}').rows).toEqual([{ line: 1, values: { slug: 'a' } }])
  })

  test.each<[string, string, number[], string[]]>([
    ['members that are no JSON', '[\n{"slug":"a"},\n{"slug":hunter2},\n{"slug":"c"},\n7\n]', [3, 5], ['a', 'c']],
    ['lines that are no JSON', '{"slug":"a"}\nslug=hunter2\n{"slug":"c"}\n[]', [2, 4], ['a', 'c']],
    ['a list that is never closed', '[\n{"slug":"a"},\n{"slug":"b"', [3], ['a']],
    ['something behind it', '[{"slug":"a"}]\nhunter2', [2], ['a']],
    ['a text that is never closed', '[\n{"slug":"a},\n{"slug":"b"}\n]', [2], []],
    ['a comma too many', '[{"slug":"a"},\n]', [2], ['a']],
  ])('%s', (_, text, lines, slugs) => {
    const { rows, problems } = readJsonRows(text)
    expect(problems.map(({ line }) => line)).toEqual(lines)
    expect(rows.map(({ values }) => values.slug)).toEqual(slugs)
    expect(JSON.stringify(problems)).not.toContain('hunter2')
  })

  test('an empty list', () => {
    expect(readJsonRows(' [ ]\n')).toEqual({ rows: [], problems: [] })
  })
})

describe('a column of passwords is refused, with the way to do it; what is in it is not repeated', () => {
  test.each(['password', 'db_password', 'DB_PASS', 'pass', 'passwd', 'pwd', 'encrypted_password', 'dbSecret'])(
    '%s',
    async (name) => {
      const csv = await readCsvRows(`slug,${name}\na,hunter2\n`)
      const json = readJsonRows(JSON.stringify([{ slug: 'a', [name]: 'hunter2' }]))
      for (const { problems } of [csv, json]) {
        expect(problems).toMatchObject([{ line: 1, message: expect.stringMatching(/password_ref.*--password-stdin/) }])
        expect(JSON.stringify(problems)).not.toContain('hunter2')
      }
    },
  )

  test('a reference to one is not', async () => {
    expect((await readCsvRows('slug,password_ref\na,env:A\n')).problems).toEqual([])
  })
})

test('which kind a file is', () => {
  expect(looksLikeJson('a.csv', '[')).toBe(false)
  expect(looksLikeJson('a.JSON', 'slug')).toBe(true)
  expect(looksLikeJson('/dev/stdin', '\n {')).toBe(true)
  expect(looksLikeJson('tenants', 'slug,name')).toBe(false)
})
