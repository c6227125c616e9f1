const collator = new Intl.Collator('en')

/**
 * `localeCompare` over whole names, as tools that list folders in JavaScript do (Prisma since 6, Drizzle 1): in it
 * `20250101_x` comes before `20250101120000_y`. The locale is fixed here, so that every machine agrees.
 */
export function compareNames(a: string, b: string): number {
  return collator.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0)
}
