import { type JsonNode, writeJson } from './json-lines.ts'
import type { Complain, SeedValue } from './seed-file.ts'

/** A text that stands for something of the tenant whose rows are seeded. */
export function readText(text: string): SeedValue {
  if (text === '{tenant}' || text === '{tenant.id}') return { kind: 'tenant', part: 'id' }
  if (text === '{tenant.slug}') return { kind: 'tenant', part: 'slug' }
  if (text === '{tenant.name}') return { kind: 'tenant', part: 'name' }
  return { kind: 'text', text }
}

/** A value of a JSON seed. Problems go to `complain`, and NULL stands for the value. */
export function readValue(node: JsonNode, complain: Complain): SeedValue {
  switch (node.kind) {
    case 'null':
      return { kind: 'null' }
    case 'boolean':
      return { kind: 'boolean', value: node.value }
    case 'number':
      return { kind: 'number', text: node.text }
    case 'text':
      return readChecked(node.text, node.line, complain)
    case 'list':
      return { kind: 'json', text: writeJson(node) }
    default:
      return readObject(node, complain)
  }
}

function readChecked(text: string, line: number, complain: Complain): SeedValue {
  if (text.includes('\0')) complain('a text holds a NUL character, which no server takes', line)
  return readText(text.replaceAll('\0', ''))
}

function readObject(node: Extract<JsonNode, { kind: 'object' }>, complain: Complain): SeedValue {
  const { members, line } = node
  const [only, ...others] = members
  if (members.has('ref') && members.has('by')) return readReference(node, complain)
  if (only !== undefined && others.length === 0) {
    const [name, inner] = only
    if (name === 'json') return { kind: 'json', text: writeJson(inner) }
    if (name === 'text' && inner.kind === 'text') return { kind: 'text', text: inner.text }
    if (name === 'base64') {
      const text = inner.kind === 'text' ? inner.text : ''
      if (inner.kind !== 'text' || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) complain('`base64` is not base64', line)
      return { kind: 'bytes', hex: Buffer.from(text, 'base64').toString('hex') }
    }
  }
  return { kind: 'json', text: writeJson(node) }
}

function readReference({ members, line }: Extract<JsonNode, { kind: 'object' }>, complain: Complain): SeedValue {
  const [ref, by, column] = [members.get('ref'), members.get('by'), members.get('column')]
  const unknown = [...members.keys()].find((name) => !['ref', 'by', 'column'].includes(name))
  if (unknown !== undefined) {
    const hint =
      'A reference is `{ "ref": table, "by": { column: value }, "column": "id" }`; any other object is written `{ "json": … }`.'
    complain(`a reference has an unknown member ${JSON.stringify(unknown.slice(0, 60))}`, line, hint)
  }
  if (ref?.kind !== 'text' || ref.text === '') complain('`ref` must be the name of a table', line)
  if (by?.kind !== 'object' || by.members.size === 0)
    complain('`by` must be an object of columns and values that find one row', line)
  if (column !== undefined && column.kind !== 'text') complain('`column` must be the name of a column', line)
  const found = by?.kind === 'object' ? [...by.members] : []
  return {
    kind: 'reference',
    table: ref?.kind === 'text' ? ref.text : '',
    by: new Map(found.map(([name, one]) => [name, readValue(one, complain)])),
    column: column?.kind === 'text' ? column.text : 'id',
  }
}

/** A value as people see it in a key: short, on one line. */
export function showValue(value: SeedValue): string {
  switch (value.kind) {
    case 'null':
      return 'NULL'
    case 'boolean':
      return String(value.value)
    case 'bytes':
      return `${value.hex.length / 2} bytes`
    case 'tenant':
      return `{tenant.${value.part}}`
    case 'reference':
      return `${value.table}(${[...value.by].map(([name, one]) => `${name}=${showValue(one)}`).join(', ')})`
    default: {
      const line = value.text.replace(/\s+/g, ' ')
      return line.length > 60 ? `${line.slice(0, 60)}…` : line
    }
  }
}

/** A text that is equal for equal values. */
export function identify(value: SeedValue): string {
  return JSON.stringify(value, (_, one: unknown) =>
    one instanceof Map ? [...one].sort(([a], [b]) => (a < b ? -1 : 1)) : one,
  )
}
