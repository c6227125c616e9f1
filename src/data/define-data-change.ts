import type { DataChangeDefinition } from '../model/data-change.ts'

/**
 * Gives types to a data change that is a module: `export default defineDataChange({ table, key, async batch(…) {…} })`.
 * Returns what it is given; it is checked when a command reads the file.
 */
export function defineDataChange(definition: DataChangeDefinition): DataChangeDefinition {
  return definition
}
