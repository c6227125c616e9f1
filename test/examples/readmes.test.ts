/** A reader's walk through each example's README: every line is typed, and what it says is printed is. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { linkPackages, runShell } from './example.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const names = readdirSync(join(root, 'examples'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
  .map(({ name }) => name)

// Packages are linked by the test: what npm installs is another test's.
const prelude = `set -eo pipefail
npm() { if [ "$1" = install ] || [ "$1" = ci ]; then return 0; fi; command npm "$@"; }
`

test('there is a README for each example', () => {
  expect(names.filter((name) => !existsSync(join(root, 'examples', name, 'README.md')))).toEqual([])
})

test.each(names)('the README of %s is true from its first line to its last', { timeout: 180_000 }, async (name) => {
  const home = mkdtempSync(join(tmpdir(), 'tenantry-walk-'))
  const dir = join(home, 'examples', name)
  mkdirSync(dir, { recursive: true })
  cpSync(join(root, 'examples', name), dir, { recursive: true, filter: (path) => !path.endsWith('node_modules') })
  symlinkSync(join(root, 'examples/servers.mjs'), join(home, 'examples/servers.mjs'))
  linkPackages(existsSync(join(dir, 'backend')) ? join(dir, 'backend') : dir)
  const env = { PATH: process.env.PATH ?? '', HOME: home, EXAMPLES_SERVERS: join(home, 'servers') }
  const blocks = [...readFileSync(join(dir, 'README.md'), 'utf8').matchAll(/^```(sh|text)\n([\s\S]*?)^```$/gm)]
  expect(blocks.length).toBeGreaterThan(1)
  try {
    const marks = blocks.map(([, language, text = ''], i) => (language === 'sh' ? `${text}\necho '=== ${i}'\n` : ''))
    const { code, stdout, stderr } = await runShell(prelude + marks.join(''), { cwd: dir, env })
    expect(`${code}${code === 0 ? '' : `\n${stdout}\n${stderr}`}`).toBe('0')
    blocks.forEach(([, language, text = ''], i) => {
      if (language !== 'text') return
      // What the lines before it have printed; `…` stands for anything.
      const said =
        stdout
          .slice(0, stdout.indexOf(`=== ${i - 1}\n`))
          .split(/=== \d+\n/)
          .at(-1) ?? ''
      const lines = text
        .trim()
        .split('\n')
        .map((line) => line.trim().split('…').map(literally).join('.*'))
      expect(said).toMatch(new RegExp(lines.join(String.raw`[\s\S]*?\n\s*`)))
    })
  } finally {
    await runShell('node examples/servers.mjs stop', { cwd: home, env })
    rmSync(home, { recursive: true, force: true })
  }
})

function literally(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
