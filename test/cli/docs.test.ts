/** What the documents show is loaded, type-checked and parsed, so that it cannot rot. */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { parse as parseCsv } from 'csv-parse/sync'
import { loadModule, parseSync } from 'libpg-query'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { buildProgram } from '../../src/cli/program.ts'
import { loadConfig } from '../../src/config/load.ts'
import * as extend from '../../src/extend.ts'
import { formats } from '../../src/formats/registry.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const documents = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...readdirSync(path.join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) => `docs/${name}`),
].filter((name) => name.endsWith('.md'))

interface Block {
  /** `docs/guide.md:21`. */
  place: string
  page: string
  language: string
  text: string
}

const blocks = documents.flatMap((name) => {
  const text = readFileSync(path.join(root, name), 'utf8')
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(
    (match): Block => ({
      place: `${name}:${text.slice(0, match.index).split('\n').length}`,
      page: name,
      language: match[1] ?? '',
      text: match[2] ?? '',
    }),
  )
})

const typescript = blocks.filter(({ language }) => language === 'ts' || language === 'js')
const configs = typescript.filter(({ text }) => text.includes('export default defineConfig'))

/** The file that a block says it is, in its first line. */
function nameOf({ text }: Block): string | null {
  return /^\/\/ ([\w.-]+\.ts)$/m.exec(text.split('\n')[0] ?? '')?.[1] ?? null
}

test('every TypeScript block has the types it needs', () => {
  expect(configs.length).toBeGreaterThan(8)
  // Files of one page that are named may import each other.
  const files = new Map(
    typescript.map((block, i) => [
      path.join(root, 'test/.docs', block.page, nameOf(block) ?? `block-${i}.${block.language}`),
      block,
    ]),
  )
  const config = ts.parseJsonConfigFileContent(
    ts.readConfigFile(path.join(root, 'tsconfig.json'), ts.sys.readFile).config,
    ts.sys,
    root,
  )
  const options: ts.CompilerOptions = {
    ...config.options,
    paths: { tenantry: [path.join(root, 'src/index.ts')], 'tenantry/extend': [path.join(root, 'src/extend.ts')] },
    incremental: false,
    allowJs: true,
    checkJs: true,
  }
  const host = ts.createCompilerHost(options)
  const { fileExists, readFile, getSourceFile } = host
  host.directoryExists = (name) => name.startsWith(path.join(root, 'test/.docs')) || ts.sys.directoryExists(name)
  host.fileExists = (name) => files.has(name) || fileExists(name)
  host.readFile = (name) => files.get(name)?.text ?? readFile(name)
  host.getSourceFile = (name, version, ...rest) => {
    const block = files.get(name)
    return block === undefined
      ? getSourceFile(name, version, ...rest)
      : ts.createSourceFile(name, block.text, version, true)
  }
  const program = ts.createProgram([...files.keys()], options, host)
  const wrong = [...files].flatMap(([name, { place }]) => {
    const source = program.getSourceFile(name)
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
      ({ messageText }) => `${place} ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
    )
  })
  expect(wrong).toEqual([])
})

test.each(configs)('the config of $place is one', async ({ text, page }) => {
  const cwd = await mkdtemp(path.join(tmpdir(), 'tenantry-docs-'))
  const url = 'postgres://app:secret@localhost:5432/app'
  const names = [...text.matchAll(/process\.env\.(\w+)/g)].map((match) => match[1] ?? '')
  const environments = ['', ...(/environments: \{\s*(\w+):/.exec(text)?.slice(1) ?? [])]
  const pem = '-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n'
  const env = Object.fromEntries(names.map((name) => [name, name.endsWith('_PEM') ? pem : url]))
  const before = { ...process.env }
  Object.assign(process.env, env)
  try {
    for (const block of typescript) {
      const name = nameOf(block)
      if (name !== null && block.page === page) await writeFile(path.join(cwd, name), block.text)
    }
    await writeFile(path.join(cwd, 'tenantry.config.ts'), text)
    for (const environment of environments) {
      const config = await loadConfig({
        cwd,
        env,
        modules: { 'tenantry/extend': extend },
        ...(environment === '' ? {} : { environment }),
      })
      expect(config.servers.size).toBeGreaterThan(0)
      expect(config.environment).toBe(environment === '' ? null : environment)
    }
  } finally {
    for (const name of names) {
      delete process.env[name]
      if (before[name] !== undefined) process.env[name] = before[name]
    }
    await rm(cwd, { recursive: true })
  }
})

/** Words of a shell line: quotes are taken off, a comment ends it. */
function splitWords(line: string): string[] {
  const words: string[] = []
  for (const [, single, double, plain, comment] of line.matchAll(/'([^']*)'|"([^"]*)"|([^\s'"#][^\s'"]*)|(#.*)/g)) {
    if (comment !== undefined) break
    words.push(single ?? double ?? plain ?? '')
  }
  return words
}

/** The command lines of tenantry in a line of a shell; variables in front of them are left out. */
function findCommands(line: string): string[][] {
  return splitWords(line)
    .join('\0')
    .split('\0&&\0')
    .map((part) => part.split('\0'))
    .map((words) => words.slice(words.findIndex((word) => !/^[A-Z_]+=/.test(word))))
    .map((words) => (words[0] === '$' ? words.slice(1) : words))
    .map((words) => (words[0] === 'npx' ? words.slice(1) : words))
    .filter(([name]) => name === 'tenantry' || name === './tenantry')
    .map((words) => words.slice(1))
}

const commands = [
  ...blocks
    .filter(({ language }) => language === 'sh' || language === 'console')
    .flatMap(({ place, text }) =>
      text.split('\n').flatMap((line) => findCommands(line).map((argv) => ({ place, line, argv }))),
    ),
  // In running text: `tenantry down --steps 2`.
  ...documents.flatMap((place) =>
    [...readFileSync(path.join(root, place), 'utf8').matchAll(/`((?:npx )?tenantry [a-z][^`]*)`/g)].flatMap(
      ([, line = '']) => findCommands(line).map((argv) => ({ place, line, argv })),
    ),
  ),
].filter(({ argv }) => argv.length > 0 && !argv.some((word) => /[<…]/.test(word)))

describe('every command line is one', () => {
  test('there are some', () => expect(commands.length).toBeGreaterThan(40))

  test.each(commands)('$line ($place)', async ({ argv }) => {
    const seen: Command[] = []
    const program = buildProgram(async (command) => void seen.push(command))
    for (const command of [program, ...program.commands, ...program.commands.flatMap((one) => one.commands)])
      command.configureOutput({ writeOut: () => {}, writeErr: () => {}, outputError: () => {} }).exitOverride()
    if (argv.includes('--help') || argv.includes('--version')) return
    await program.parseAsync(argv, { from: 'user' })
    expect(seen).toHaveLength(1)
  })
})

/** What holds blocks of a language; each throws where one is not what it says. */
const checks: Readonly<Record<string, (block: Block) => void>> = {
  // All together, above.
  ts: () => {},
  js: () => {},
  // Its command lines are parsed above; the rest is output.
  console: ({ text }) => expect(text).toMatch(/^\$ /m),
  // Output, or a picture. That of getting-started and of the recipes is compared by their own tests.
  text: () => {},
  sh: ({ text }) => {
    const { status, stderr } = spawnSync('bash', ['-n'], { input: text, encoding: 'utf8' })
    expect(status === 0 ? '' : stderr).toBe('')
  },
  sql: ({ page, text }) => {
    // Written from rules whose examples a test runs on servers, those of MySQL and SQLite among them.
    if (page === 'docs/rules.md') return
    // Parameters of data changes and seeds have a colon.
    expect(parseSync(text.replaceAll(/(?<!:):[a-z_]+\b/g, '$$1')).stmts?.length ?? 0).toBeGreaterThanOrEqual(
      /^(?!--)\S/m.test(text) ? 1 : 0,
    )
  },
  json: ({ text }) => void JSON.parse(text),
  yaml: ({ text }) => void parseYaml(text, { strict: true }),
  csv: ({ text }) => expect(parseCsv(text, { columns: true, comment: '#' }).length).toBeGreaterThan(0),
  dockerfile: ({ text }) => {
    for (const line of text.trim().split('\n')) {
      const [, instruction, words = ''] = /^([A-Z]+) (.+)$/.exec(line) ?? []
      expect(['ENTRYPOINT', 'CMD']).toContain(instruction)
      for (const word of JSON.parse(words) as string[])
        if (word.includes('node_modules/tenantry/'))
          expect(ts.sys.fileExists(path.join(root, word.replace(/.*node_modules\/tenantry\//, '')))).toBe(true)
    }
  },
}

describe('every block of code is held by a check of its language', () => {
  const ours = blocks.filter(({ page }) => page.startsWith('docs/') || page === 'README.md')

  test('and says which it is', () => {
    const unheld = ours.filter(({ language }) => checks[language] === undefined)
    expect(unheld.map(({ place, language }) => `${place} ${language === '' ? 'no language' : language}`)).toEqual([])
  })

  test('and none is overlooked, such as one that is indented', () => {
    const fences = documents.map((page) => ({
      page,
      blocks: (readFileSync(path.join(root, page), 'utf8').match(/^\s*(?:```|~~~)/gm)?.length ?? 0) / 2,
    }))
    expect(fences).toEqual(
      documents.map((page) => ({ page, blocks: blocks.filter((block) => block.page === page).length })),
    )
  })

  const others = ours.filter(
    ({ language, page }) => !['ts', 'js', 'text'].includes(language) && page !== 'docs/rules.md',
  )
  test.each(others)('$language of $place', async (block) => {
    await loadModule()
    checks[block.language]?.(block)
  })
})

test('every link to a file of the repository leads somewhere, to its heading, too', () => {
  const dead = documents.flatMap((name) => {
    const text = readFileSync(path.join(root, name), 'utf8')
    return [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)/g)].flatMap(([, link = '', anchor]) => {
      const file = link === '' ? path.join(root, name) : path.join(root, path.dirname(name), link)
      if (!ts.sys.fileExists(file) && !ts.sys.directoryExists(file)) return [`${name}: ${link}`]
      return anchor === undefined || headingsOf(file).has(anchor) ? [] : [`${name}: ${link}#${anchor}`]
    })
  })
  expect(dead).toEqual([])
})

/** What a heading is linked by, as GitHub makes it. */
function headingsOf(file: string): Set<string> {
  const text = readFileSync(file, 'utf8').replaceAll(/^```[\s\S]*?^```$/gm, '')
  return new Set(
    [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

test('the index leads to every page', () => {
  const index = readFileSync(path.join(root, 'docs/README.md'), 'utf8')
  const linked = [...index.matchAll(/\]\(([^)#]+)/g)].map(([, link = '']) => path.posix.join('docs', link))
  const pages = documents.filter((name) => name.startsWith('docs/') && name !== 'docs/README.md')
  expect(pages.filter((name) => !linked.includes(name))).toEqual([])
})

test('every format is in the table of formats, with each kind of database, and the index and the README know it', () => {
  const page = readFileSync(path.join(root, 'docs/formats.md'), 'utf8')
  const [table = ''] = /(?:^\|.*\n)+/m.exec(page) ?? []
  const rows = table.split('\n').filter((line) => /^\| `[a-z-]+`/.test(line))
  const inFirstColumn = rows.flatMap((row) =>
    [...(row.split('|')[1] ?? '').matchAll(/^ `([a-z-]+)`/g)].map(([, name]) => name),
  )
  expect([...new Set(inFirstColumn)].sort()).toEqual(Object.keys(formats).sort())
  for (const row of rows)
    expect(
      row
        .split('|')
        .slice(2, -1)
        .map((cell) => cell.trim() !== ''),
    ).toEqual([true, true, true])
  const readme = readFileSync(path.join(root, 'README.md'), 'utf8')
  expect(Object.keys(formats).filter((name) => !readme.includes(`\`${name}\``))).toEqual([])
})

test('every key of the config is in the guide', () => {
  const source = readFileSync(path.join(root, 'src/config/define.ts'), 'utf8')
  const keys = ['BaseConfig', 'Config', 'MigrationsConfig'].flatMap((name) => {
    const [, body = ''] = new RegExp(`^export interface ${name}\\b.*\\{\\n([\\s\\S]*?)^\\}`, 'm').exec(source) ?? []
    return [...body.matchAll(/^ {2}(\w+)\??:/gm)].map(([, key]) => key)
  })
  expect(keys.length).toBeGreaterThan(35)
  const guide = readFileSync(path.join(root, 'docs/guide.md'), 'utf8')
  const listed = [...guide.matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, cell = '']) => [...cell.matchAll(/`(\w+)`/g)])
  expect(keys.filter((key) => !listed.some(([, one]) => one === key))).toEqual([])
})
