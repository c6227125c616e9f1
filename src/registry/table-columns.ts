import type { TableColumn } from '../model/registry-words.ts'

export function asColumn(row: Record<string, unknown>): TableColumn {
  return {
    name: String(row.name),
    type: String(row.type ?? '').toLowerCase(),
    required: Number(row.required) === 1,
    filled: Number(row.filled) === 1,
  }
}

/** What a column holds, told by the server's word for its type. */
export function kindOf({ type }: TableColumn): 'text' | 'integer' | 'uuid' | 'time' | 'bytes' | 'other' {
  if (/^uuid/.test(type)) return 'uuid'
  if (/blob|bytea|binary/.test(type)) return 'bytes'
  if (/date|time/.test(type)) return 'time'
  if (/^(big|small|medium|tiny)?int|serial|^int/.test(type)) return 'integer'
  if (/char|text|enum|clob|^citext/.test(type) || type === '') return 'text'
  return 'other'
}
