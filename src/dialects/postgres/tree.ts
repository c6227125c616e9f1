/** Reading libpg-query's trees, whose empty and zero members are left out. */
export type Tree = Record<string, unknown>

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The tree under a key; an empty one when there is none. */
export function branch(tree: Tree, key: string): Tree {
  const value = tree[key]
  return isTree(value) ? value : {}
}

/** The list under a key; empty when there is none. */
export function branches(tree: Tree, key: string): Tree[] {
  const value = tree[key]
  return Array.isArray(value) ? value.filter(isTree) : []
}

export function word(tree: Tree, key: string): string | null {
  const value = tree[key]
  return typeof value === 'string' ? value : null
}

/** The text of a `String` node, or of a constant that is one. */
export function textOf(tree: Tree): string | null {
  return word(branch(tree, 'String'), 'sval') ?? word(branch(branch(tree, 'A_Const'), 'sval'), 'sval')
}

/** A list of `String` nodes: the parts of a dotted name. */
export function nameParts(list: readonly Tree[]): string[] {
  return list.map(textOf).filter((part) => part !== null)
}

/** `WITH (…)`-like options of a statement, by name. */
export function readOptions(tree: Tree, key = 'options'): Map<string, Tree> {
  const options = new Map<string, Tree>()
  for (const item of branches(tree, key)) {
    const option = branch(item, 'DefElem')
    const name = word(option, 'defname')
    if (name !== null) options.set(name, option)
  }
  return options
}

/** A boolean option as PostgreSQL's defGetBoolean reads it: without a value it is on. */
export function isOn(option: Tree | undefined): boolean {
  if (option === undefined) return false
  const value = branch(option, 'arg')
  if ('Integer' in value) return branch(value, 'Integer').ival === 1
  if ('Boolean' in value) return branch(value, 'Boolean').boolval === true
  // A bare word that is not reserved (`off`) is read as the name of a type.
  const text = textOf(value) ?? nameParts(branches(branch(value, 'TypeName'), 'names')).at(-1) ?? null
  return text === null || ['true', 'on'].includes(text.toLowerCase())
}

/** Every node below a value, with its type, in the order of the tree. */
export function* walk(value: unknown): Generator<{ type: string; node: Tree }> {
  if (Array.isArray(value)) {
    for (const item of value) yield* walk(item)
    return
  }
  if (!isTree(value)) return
  for (const [key, below] of Object.entries(value)) {
    if (isTree(below) && /^[A-Z]/.test(key)) yield { type: key, node: below }
    yield* walk(below)
  }
}
