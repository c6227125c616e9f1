import type { SeedDefinition } from '../../model/seed.ts'

/**
 * Gives types to a seed that is a module: `export default defineSeed({ async run({ query, tenant }) {…} })`. Returns what
 * it is given; it is checked when a command reads the file.
 */
export function defineSeed(definition: SeedDefinition): SeedDefinition {
  return definition
}
