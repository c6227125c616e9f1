import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findExport, findValue, importCode } from './import-code.ts'
import { loadUserPackage } from './user-package.ts'

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tenantry-import-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

async function load(name: string, text: string): Promise<unknown> {
  await mkdir(dirname(join(dir, name)), { recursive: true })
  await writeFile(join(dir, name), text)
  return importCode({ path: join(dir, name), shown: `migrations/${name}` })
}

describe('importCode', () => {
  it.each([
    ['a.cjs', 'exports.up = (n) => n + 1; exports.config = { transaction: false }'],
    ['b.cjs', 'module.exports = { up(n) { return n + this.one }, one: 1, config: { transaction: false } }'],
    ['c.js', 'module.exports = { up: async (n) => n + 1, config: { transaction: false } }'],
    ['d.mjs', 'export const up = (n) => n + 1; export const config = { transaction: false }'],
    ['e.mjs', 'export default { up: (n) => n + 1, config: { transaction: false } }'],
    ['f.js', 'export async function up(n) { return n + 1 }\nexport const config = { transaction: false }'],
    [
      'g.ts',
      'export async function up(n: number): Promise<number> { return n + 1 }\nexport const config = { transaction: false }',
    ],
    ['h.ts', 'export default { up: (n: number) => n + 1, config: { transaction: false } as const }'],
    ['i.ts', 'const it = { up: (n: number) => n + 1, config: { transaction: false } }\nexport = it'],
    [
      'j.cjs',
      'Object.defineProperty(exports, "__esModule", { value: true }); exports.default = { up: (n) => n + 1, config: { transaction: false } }',
    ],
    ['k.mts', 'export const up = (n: number): number => n + 1; export const config = { transaction: false }'],
  ])('finds what %s exports', async (name, text) => {
    const module = await load(name, text)
    expect(await findExport(module, 'up')?.call(1)).toBe(2)
    expect(findExport(module, 'down')).toBeNull()
    expect(findExport(module, 'config')).toBeNull()
    expect(findValue(module, 'config')).toEqual({ transaction: false })
    expect(findValue(module, 'other')).toBeUndefined()
  })

  it('runs a module that several files import once', async () => {
    await writeFile(join(dir, 'shared.ts'), 'export const seen: string[] = []')
    const text = (own: string) =>
      `import { seen } from './shared.ts'\nseen.push('${own}')\nexport const up = () => seen`
    await load('s1.ts', text('one'))
    const second = await load('s2.ts', text('two'))
    expect(findExport(second, 'up')?.call()).toEqual(['one', 'two'])
  })

  it('names file, line and next step, and no secret', async () => {
    await expect(load('throws.cjs', "\n\nthrow new Error('no postgres://u:geheim@host/db')")).rejects.toMatchObject({
      code: 'MIGRATIONS_UNREADABLE',
      message: 'migrations/throws.cjs cannot be imported at line 3, column 7: no [url]',
      context: { file: 'migrations/throws.cjs', line: 3 },
    })
    await expect(load('syntax.mjs', 'export const a = 1\nexport const up = = 2')).rejects.toMatchObject({
      code: 'MIGRATIONS_UNREADABLE',
      context: { file: 'migrations/syntax.mjs', line: 2 },
    })
    await expect(load('syntax.ts', 'export const a: = 1')).rejects.toMatchObject({
      context: { file: 'migrations/syntax.ts', line: 1 },
    })
  })

  it('says which module is missing, and how to get it', async () => {
    const hints: Record<string, string> = {
      "require('@acme/none/sub')": 'Install it in the project: npm install @acme/none',
      "require('./none')": 'Check the path of that import, and whether the file was committed.',
    }
    for (const [index, [code, hint]] of Object.entries(hints).entries()) {
      await expect(load(`missing${index}.cjs`, `\n${code}`)).rejects.toMatchObject({
        code: 'MIGRATIONS_UNREADABLE',
        message: expect.stringMatching(/cannot be imported.*: there is no module "(@acme\/none\/sub|\.\/none)"/),
        hint,
      })
    }
    await expect(load('missing.ts', "import x from 'acme-none'\nexport const up = () => x")).rejects.toMatchObject({
      hint: 'Install it in the project: npm install acme-none',
    })
  })

  it('lives on when a file ends the process, and gives `exit` back', async () => {
    const before = process.exit
    await expect(load('exit.cjs', 'process.exit(3)')).rejects.toMatchObject({
      message: expect.stringContaining('it calls process.exit'),
    })
    expect(process.exit).toBe(before)
  })
})

describe('loadUserPackage', () => {
  it('takes the one of the first folder that has it, with its version', async () => {
    for (const [project, version] of Object.entries({ one: '1.0.0', two: '2.0.0' })) {
      const home = join(dir, project, 'node_modules', 'acme-tool')
      await mkdir(home, { recursive: true })
      await writeFile(join(home, 'package.json'), JSON.stringify({ name: 'acme-tool', version, main: 'lib/main.js' }))
      await mkdir(join(home, 'lib'))
      await writeFile(join(home, 'lib', 'main.js'), `module.exports = { version: '${version}' }`)
    }
    const folders = [join(dir, 'none'), join(dir, 'two'), join(dir, 'one')]
    const found = await loadUserPackage('acme-tool', folders)
    expect(found).toMatchObject({ module: { version: '2.0.0' }, version: '2.0.0' })
    expect(await loadUserPackage('acme-tool', folders)).toBe(found)
  })

  it('says how to install what is missing', async () => {
    await expect(loadUserPackage('acme-absent', [dir])).rejects.toMatchObject({
      code: 'DRIVER_MISSING',
      hint: 'Install it in the project: npm install acme-absent',
    })
  })
})
