/** A node of libpg-query's JSON, read without trusting its shape. */
export type AstNode = Record<string, unknown>

export function isNode(value: unknown): value is AstNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function child(node: AstNode, key: string): AstNode | null {
  const value = node[key]
  return isNode(value) ? value : null
}

export function text(node: AstNode, key: string): string | null {
  const value = node[key]
  return typeof value === 'string' ? value : null
}

export function list(node: AstNode, key: string): readonly unknown[] {
  const value = node[key]
  return Array.isArray(value) ? value : []
}

/** `{ ColumnDef: {…} }` → its type and what is under it. */
export function only(wrapped: unknown): { type: string; node: AstNode } {
  if (!isNode(wrapped)) return { type: '', node: {} }
  const type = Object.keys(wrapped)[0] ?? ''
  return { type, node: child(wrapped, type) ?? {} }
}

export function children(node: AstNode, key: string): { type: string; node: AstNode }[] {
  return list(node, key).map(only)
}

/** The strings of a list of `String` nodes. */
export function strings(names: readonly unknown[]): string[] {
  return names.flatMap((name) => {
    const { type, node } = only(name)
    return type === 'String' ? [text(node, 'sval') ?? ''] : []
  })
}

export function lastName(names: readonly unknown[]): string | null {
  return strings(names).at(-1) ?? null
}

/** The last part of a name that is unqualified or in `public`; null for a name in another schema. */
export function ownedName(names: readonly unknown[]): string | null {
  const parts = strings(names)
  return parts.length < 2 || parts.at(-2) === 'public' ? (parts.at(-1) ?? null) : null
}
