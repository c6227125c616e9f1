/** docs/seeds.md holds the guides' own words, and tests that are there. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(join(root, 'docs/seeds.md'), 'utf8')
const sections = page
  .split(/^## /m)
  .slice(1)
  .map((text) => ({
    example: /\(\.\.\/examples\/([\w-]+)\/README\.md\)/.exec(text)?.[1] ?? '',
    rows: [...text.matchAll(/^\| (.+) \| (.+) \|$/gm)]
      .map(([, said = '', shown = '']) => ({ said, shown }))
      .filter(({ said }) => said !== 'the guide says'),
  }))

test('there is a section for each guide', () => {
  expect(sections.map(({ example }) => example).sort()).toEqual(
    ['knex-mysql', 'plain-sql', 'prisma-schemas', 'sequelize-registry', 'sequelize-single'].filter((name) =>
      existsSync(join(root, 'examples', name, 'README.md')),
    ),
  )
})

/** Without what only marks text up. */
function plain(text: string): string {
  return text
    .replaceAll('\\|', '|')
    .replaceAll(/[*`_>#]|\[x?\s*\]|^\s*[-\d.]+\s/gm, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
}

describe.each(sections)('the checklist of $example', ({ example, rows }) => {
  const guide = example === '' ? '' : plain(readFileSync(join(root, 'examples', example, 'GUIDE.md'), 'utf8'))

  test.each(rows)('"$said"', ({ said, shown }) => {
    let from = 0
    for (const part of said.split('…').map(plain)) {
      const at = guide.indexOf(part, from)
      expect(at >= 0 ? part : guide, 'words of the guide').toBe(part)
      from = at + part.length
    }
    const links = [...shown.matchAll(/\[([^\]]+)\]\((\.\.\/test\/[^)]+)\)/g)]
    expect(links.length).toBeGreaterThan(0)
    for (const [, title = '', path = ''] of links) {
      const file = join(root, 'docs', path)
      expect(existsSync(file) ? path : 'no such file').toBe(path)
      expect(
        readFileSync(file, 'utf8')
          .replaceAll(/\\(['`])/g, '$1')
          .includes(title)
          ? title
          : `${path} has no test "${title}"`,
      ).toBe(title)
    }
  })
})
