import { type ErrorDocument, TenantryError } from '../model/errors.ts'
import type { Dependency } from './dependencies.ts'

const shown = 20

/** The refusal, with what needs what. */
export function dependedOnError(dependencies: readonly Dependency[]): TenantryError {
  const lines = dependencies
    .slice(0, shown)
    .map(
      ({ migration, object, madeBy, targets }) => `  ${migration} names ${object} of ${madeBy} (${placesOf(targets)})`,
    )
  const more = dependencies.length > shown ? [`  … and ${dependencies.length - shown} more`] : []
  const later = [...new Set(dependencies.map(({ migration }) => migration))]
  return new TenantryError(
    'DEPENDED_ON',
    `Migrations that would stay applied need what the undo takes away; nothing was touched:\n${[...lines, ...more].join('\n')}`,
    {
      hint: `Undo ${later.slice(0, 3).join(', ')}${later.length > 3 ? ' and the others' : ''} too (\`tenantry down --to <migration>\` undoes everything after one), or add --force.`,
      context: { dependencies },
    },
  )
}

function placesOf([first, ...rest]: readonly string[]): string {
  return rest.length === 0 ? `${first}` : `${first} and ${rest.length} more`
}

/** The same, as the error of one target. */
export function dependedOnByTarget(dependencies: readonly Dependency[]): (target: string) => ErrorDocument | null {
  const own = new Map<string, Dependency[]>()
  for (const one of dependencies) {
    for (const target of one.targets) own.set(target, [...(own.get(target) ?? []), { ...one, targets: [target] }])
  }
  return (target) => {
    const found = own.get(target)
    return found === undefined ? null : dependedOnError(found).toJSON()
  }
}
