import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** What is used of the `typescript` package. */
interface Compiler {
  sys: { readDirectory?: unknown }
  readConfigFile(path: string, read: (path: string) => string): { config?: unknown }
  parseJsonConfigFileContent(config: unknown, host: object, dir: string): { options: Record<string, unknown> }
  transpileModule(source: string, options: object): { outputText: string }
  ModuleKind: { ESNext: number }
  JsxEmit?: { ReactJSX: number }
}

interface Transform {
  source: string
  filename?: string
  ts?: boolean
}

interface Importer {
  import(id: string): Promise<unknown>
}

let importer: Promise<Importer> | null = null

/**
 * Imports TypeScript whose classes may have decorators: entities, and what imports them. Files with decorators are
 * written as JavaScript by the project's own `typescript` with its tsconfig, since only that gives what `reflect-metadata`
 * reads, and fields that may be declared without a value; other files go the usual way. Modules that import each other
 * see each other's exports, as with a compiler.
 */
export async function importDecorated(path: string): Promise<unknown> {
  importer ??= makeImporter()
  return (await importer).import(path)
}

async function makeImporter(): Promise<Importer> {
  const { createJiti } = await import('jiti')
  // With its interop, what is imported in a circle is a copy of what was there at that moment.
  const plain = createJiti(import.meta.url, { fsCache: false, interopDefault: false })
  return createJiti(import.meta.url, {
    fsCache: false,
    tsconfigPaths: true,
    interopDefault: false,
    transform(options: Transform) {
      const lowered = options.ts === true && hasDecorators(options.source) ? lower(options) : null
      return { code: plain.transform(lowered === null ? options : { ...options, source: lowered, ts: false }) }
    },
  })
}

/** A false alarm costs some time only. */
function hasDecorators(source: string): boolean {
  return /(?:^|[\s({,;])@[A-Za-z_$][\w$.]*\s*\(|^\s*@[A-Za-z_$][\w$.]*\s*$/m.test(source)
}

/** null: there is no compiler, or none that can do this. Decorators of fields without a value then fail when they are used. */
function lower({ source, filename = 'module.ts' }: Transform): string | null {
  const compiler = findCompiler(dirname(filename))
  if (compiler === null) return null
  return compiler.transpileModule(source, {
    fileName: filename,
    compilerOptions: {
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
      ...readOptions(compiler, dirname(filename)),
      module: compiler.ModuleKind.ESNext,
      sourceMap: false,
      inlineSourceMap: false,
      declaration: false,
      noEmit: false,
      verbatimModuleSyntax: false,
    },
  }).outputText
}

function findCompiler(dir: string): Compiler | null {
  for (const from of [join(dir, 'any.js'), import.meta.url]) {
    try {
      const found = createRequire(from)('typescript') as Partial<Compiler>
      if (typeof found.transpileModule === 'function' && found.ModuleKind !== undefined) return found as Compiler
    } catch {
      // Not there; the next place may know it.
    }
  }
  return null
}

const kept = ['experimentalDecorators', 'emitDecoratorMetadata', 'useDefineForClassFields', 'target', 'jsx'] as const
const read = new Map<string, Record<string, unknown>>()

/** What the nearest tsconfig.json says about how classes are written. */
function readOptions(compiler: Compiler, from: string): Record<string, unknown> {
  for (let dir = from; ; dir = dirname(dir)) {
    const path = join(dir, 'tsconfig.json')
    if (existsSync(path)) {
      const known = read.get(path)
      if (known !== undefined) return known
      const options = parse(compiler, path, dir)
      const own = Object.fromEntries(kept.flatMap((key) => (options[key] === undefined ? [] : [[key, options[key]]])))
      read.set(path, own)
      return own
    }
    if (dirname(dir) === dir) return {}
  }
}

function parse(compiler: Compiler, path: string, dir: string): Record<string, unknown> {
  try {
    const { config } = compiler.readConfigFile(path, (file) => readFileSync(file, 'utf8'))
    // Which files there are is of no use here, and takes long to find out.
    return compiler.parseJsonConfigFileContent(config, { ...compiler.sys, readDirectory: () => [] }, dir).options
  } catch {
    return {}
  }
}
