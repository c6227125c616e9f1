import type { Placement, TopologyName } from '../model/tenant.ts'
import { isRandomName, namePlace } from './name-place.ts'

/** What is known of a tenant that has no place yet. */
export interface PlaceWish {
  slug: string
  topology: TopologyName
  server: string
  /** As asked for; for schemas and shared tables the database that they are in. */
  database: string | null
  schema: string | null
  naming: string
  /** Longest name that the server takes. */
  longestBytes: number
}

/** What a topology asks for and was not told; null: nothing. */
export function missingOf({ topology, database }: PlaceWish): 'database' | null {
  return (topology === 'schema' || topology === 'shared') && database === null ? 'database' : null
}

/** Where a new tenant goes: what was asked for, and a name by the pattern for the rest. */
export function placeTenant(wish: PlaceWish, digits: string): Placement {
  const { slug, topology, server, database, schema, naming, longestBytes } = wish
  const made = () => namePlace(naming, slug, digits, longestBytes)
  switch (topology) {
    case 'schema':
      return { server, database: database ?? '', schema: schema ?? made() }
    case 'shared':
      return { server, database: database ?? '' }
    default:
      return { server, database: database ?? made() }
  }
}

/** A place that is taken may be left for another one: its name was made, and a second try makes another. */
export function mayRename({ topology, database, schema, naming }: PlaceWish): boolean {
  if (!isRandomName(naming)) return false
  return topology === 'schema' ? schema === null : topology !== 'shared' && database === null
}
