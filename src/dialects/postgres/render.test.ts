import fc from 'fast-check'
import { expect, test } from 'vitest'
import { makeStatement, readSource } from './render.ts'

const text = fc.string({ unit: fc.constantFrom('a', "'", '"', 'é', '😀', '\n', '\r\n', ' ') })

test('lines are found at every character', () => {
  fc.assert(
    fc.property(text, (file) => {
      const source = readSource({ text: file, bytes: Buffer.from(file) })
      let line = 1
      let column = 1
      let offset = 0
      for (const character of file) {
        expect(source.lines.place(offset)).toEqual({ line, column })
        offset += Buffer.byteLength(character)
        if (character === '\n') {
          line++
          column = 1
        } else column++
      }
      expect(source.lines.place(offset)).toEqual({ line, column })
    }),
  )
})

test('positions in what is sent lead back to the file, through edits', () => {
  fc.assert(
    fc.property(text, fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 5 }), text, (schema, pairs, tail) => {
      // The file is kept₁ OLD kept₂ OLD … tail; every OLD becomes the schema's name.
      const file = `${pairs.map(([kept, old]) => `${kept}${old}`).join('')}${tail}`
      const expected: { line: number; column: number }[] = []
      const source = readSource({ text: file, bytes: Buffer.from(file) })
      const edits: { start: number; end: number; parts: { as: 'name'; quoteDepth: number }[] }[] = []
      let at = 0
      const copy = (kept: string) => {
        for (const character of kept) {
          expected.push(source.lines.place(at))
          at += Buffer.byteLength(character)
        }
      }
      for (const [kept, old] of pairs) {
        copy(kept)
        const end = at + Buffer.byteLength(old)
        edits.push({ start: at, end, parts: [{ as: 'name', quoteDepth: 0 }] })
        for (const _ of schema) expected.push(source.lines.place(at))
        at = end
      }
      copy(tail)
      const statement = makeStatement(source, { index: 1, kind: '', start: 0, end: at, edits })
      expect(statement.text(schema)).toBe(pairs.map(([kept]) => `${kept}${schema}`).join('') + tail)
      expect(expected.map((_, i) => statement.locate(schema, i + 1))).toEqual(expected)
      expect(statement.locate(schema, expected.length + 1)).toEqual(source.lines.place(at))
    }),
  )
})

test('a name that would end a dollar quote is refused', () => {
  const source = readSource({ text: '$x$public$x$', bytes: Buffer.from('$x$public$x$') }, ['$x$'])
  const edits = [{ start: 3, end: 9, parts: [{ as: 'name' as const, quoteDepth: 0 }] }]
  const statement = makeStatement(source, { index: 1, kind: '', start: 0, end: 12, edits })
  expect(statement.text('a$y')).toBe('$x$a$y$x$')
  expect(() => statement.text('a$x$')).toThrow(expect.objectContaining({ code: 'MIGRATION_UNSUPPORTED' }))
  expect(() => statement.text(null)).toThrow(expect.objectContaining({ code: 'INTERNAL' }))
})
