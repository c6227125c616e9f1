import { quoteIdentifier, quoteLiteral } from './quote.ts'

/** SQL text: the search path that statements of a target run under; null: what a new session has. */
export function searchPathValue(schema: string | null): string {
  return schema === null
    ? "(SELECT s.reset_val FROM pg_settings s WHERE s.name = 'search_path')"
    : quoteLiteral(`${quoteIdentifier(schema)}, public`)
}
