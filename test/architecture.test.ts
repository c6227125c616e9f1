/** Holds the house: which room may import from which, and the few rules of form that a formatter does not know. */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import ts from 'typescript'
import { expect, test } from 'vitest'

/** Rooms by floor: a file imports from its own room and from lower floors. The root is `src/*.ts`: facade and index. */
const floors: Record<string, number> = {
  model: 0,
  dialects: 1,
  formats: 1,
  topologies: 1,
  config: 1,
  engine: 2,
  registry: 2,
  rollout: 3,
  checks: 4,
  data: 4,
  provision: 5,
  root: 6,
  cli: 7,
}

const maxLines = 400

interface Import {
  specifier: string
  isType: boolean
  isDynamic: boolean
}

interface SourceFile {
  /** From the repository's root, with slashes. */
  name: string
  text: string
  tree: ts.SourceFile
  imports: Import[]
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8'))
const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  .map((name) => readSource(path.posix.join('src', name.split(path.sep).join('/'))))
  .sort((a, b) => a.name.localeCompare(b.name))

function readSource(name: string): SourceFile {
  const text = readFileSync(name, 'utf8')
  const tree = ts.createSourceFile(name, text, ts.ScriptTarget.ESNext, true)
  const imports: Import[] = []
  visit(tree, (node) => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier) {
      const isType = ts.isImportDeclaration(node)
        ? node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
        : node.isTypeOnly
      imports.push({ specifier: textOf(node.moduleSpecifier), isType, isDynamic: false })
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword && node.arguments[0]) {
      imports.push({ specifier: textOf(node.arguments[0]), isType: false, isDynamic: true })
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      imports.push({ specifier: textOf(node.argument.literal), isType: true, isDynamic: false })
    }
  })
  return { name, text, tree, imports }
}

function visit(node: ts.Node, see: (node: ts.Node) => void): void {
  see(node)
  ts.forEachChild(node, (child) => visit(child, see))
}

function textOf(node: ts.Node): string {
  return ts.isStringLiteralLike(node) ? node.text : ''
}

function roomOf(name: string): string {
  const [, room = '', ...rest] = name.split('/')
  return rest.length === 0 ? 'root' : room
}

/** The file that a relative import means; undefined for packages. */
function resolveImport(from: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? path.posix.join(path.posix.dirname(from), specifier) : undefined
}

function packageOf(specifier: string): string | undefined {
  if (specifier === '' || specifier.startsWith('.') || specifier.startsWith('node:')) return undefined
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

/** One line per violation, so that a failure shows all of them. */
function violations(find: (file: SourceFile) => string[]): string[] {
  return files.flatMap((file) => find(file).map((text) => `${file.name}: ${text}`))
}

test('there is something to look at', () => {
  expect(files.length).toBeGreaterThan(10)
})

test('every room is known', () => {
  expect(violations((file) => (roomOf(file.name) in floors ? [] : [`room ${roomOf(file.name)} has no floor`]))).toEqual(
    [],
  )
})

test('imports go to the own room and to lower floors only', () => {
  const found = violations((file) =>
    file.imports.flatMap(({ specifier }) => {
      const to = resolveImport(file.name, specifier)
      if (to === undefined) return []
      if (!to.startsWith('src/')) return [`imports ${specifier}, outside src`]
      const [fromRoom, toRoom] = [roomOf(file.name), roomOf(to)]
      if (fromRoom === toRoom) return []
      const isLower = (floors[toRoom] ?? Number.NaN) < (floors[fromRoom] ?? Number.NaN)
      return isLower ? [] : [`imports ${to}: ${toRoom} is not below ${fromRoom}`]
    }),
  )
  expect(found).toEqual([])
})

test('a dialect does not know another dialect', () => {
  const found = violations((file) => {
    const own = /^src\/dialects\/([^/]+)\//.exec(file.name)?.[1]
    if (own === undefined) return []
    return file.imports
      .map(({ specifier }) => resolveImport(file.name, specifier) ?? '')
      .filter((to) => (/^src\/dialects\/([^/]+)\//.exec(to)?.[1] ?? own) !== own)
      .map((to) => `imports ${to}`)
  })
  expect(found).toEqual([])
})

test('values are not imported in a circle', () => {
  const graph = new Map(
    files.map((file) => [
      file.name,
      file.imports
        .filter((one) => !one.isType && !one.isDynamic)
        .flatMap((one) => resolveImport(file.name, one.specifier) ?? []),
    ]),
  )
  const done = new Set<string>()
  const circles: string[] = []
  function walk(name: string, trail: string[]): void {
    if (trail.includes(name)) circles.push([...trail.slice(trail.indexOf(name)), name].join(' → '))
    if (trail.includes(name) || done.has(name)) return
    for (const next of graph.get(name) ?? []) walk(next, [...trail, name])
    done.add(name)
  }
  for (const name of graph.keys()) walk(name, [])
  expect(circles).toEqual([])
})

test('no barrels but at the root and one per dialect', () => {
  const found = violations((file) => {
    if (/^src\/((dialects\/[^/]+\/)?index|extend)\.ts$/.test(file.name)) return []
    if (file.name.endsWith('/index.ts')) return ['an index.ts is only for the root and for a dialect']
    const isBarrel = file.tree.statements.every((one) => ts.isExportDeclaration(one) && one.moduleSpecifier)
    return isBarrel ? ['only re-exports'] : []
  })
  expect(found).toEqual([])
})

test('names are kebab-case and say what is inside', () => {
  const found = violations((file) => [
    ...file.name
      .split('/')
      .flatMap((part) => (/^[a-z0-9]+(-[a-z0-9]+)*(\.ts)?$/.test(part) ? [] : [`${part} is not kebab-case`])),
    ...(/\b(utils?|helpers?|common|misc|manager|service|handler)\b/.test(file.name) ? ['says nothing'] : []),
  ])
  expect(found).toEqual([])
})

test(`files have at most ${maxLines} lines`, () => {
  const found = violations((file) => {
    const count = file.text.trimEnd().split('\n').length
    return count > maxLines ? [`${count} lines`] : []
  })
  expect(found).toEqual([])
})

test('only the command line prints', () => {
  const found = violations((file) => {
    const uses: string[] = []
    if (roomOf(file.name) === 'cli') return uses
    visit(file.tree, (node) => {
      if (!ts.isPropertyAccessExpression(node)) return
      if (/^(console\.\w+|process\.(stdout|stderr))$/.test(node.getText())) uses.push(node.getText())
    })
    return uses
  })
  expect(found).toEqual([])
})

test('above the dialects nobody asks for one by name', () => {
  const names = new Set(['postgres', 'mysql', 'mariadb', 'sqlite', 'libsql'])
  const comparisons = new Set([ts.SyntaxKind.EqualsEqualsEqualsToken, ts.SyntaxKind.ExclamationEqualsEqualsToken])
  const found = violations((file) => {
    const uses: string[] = []
    if ((floors[roomOf(file.name)] ?? 0) < 2) return uses
    visit(file.tree, (node) => {
      if (
        !ts.isBinaryExpression(node) ||
        !comparisons.has(node.operatorToken.kind as ts.SyntaxKind.EqualsEqualsEqualsToken)
      )
        return
      if ([node.left, node.right].some((side) => names.has(textOf(side)))) uses.push(node.getText())
    })
    return uses
  })
  expect(found).toEqual([])
})

test('drivers and user tools are loaded on demand, pg by its dialect only', () => {
  const peers = Object.keys(manifest.peerDependencies)
  expect(peers).toContain('pg')
  const found = violations((file) =>
    file.imports.flatMap(({ specifier, isType, isDynamic }) => {
      const name = packageOf(specifier) ?? ''
      if (name === 'pg' && !file.name.startsWith('src/dialects/postgres/')) return ['imports pg']
      return peers.includes(name) && !isType && !isDynamic ? [`imports ${name} at the top: use await import()`] : []
    }),
  )
  expect(found).toEqual([])
})

test('what is imported at run time is what npm installs for users', () => {
  const installed = new Set([...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)])
  const found = violations((file) =>
    file.imports.flatMap(({ specifier, isType }) => {
      const name = packageOf(specifier)
      return name === undefined || isType || installed.has(name) ? [] : [`imports ${name}, which is not a dependency`]
    }),
  )
  expect(found).toEqual([])
})
