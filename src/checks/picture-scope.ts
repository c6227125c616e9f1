import type { ResolvedConfig } from '../config/resolved.ts'
import { dataChangeTable, ledgerTable, nativeLockTable, seedTable } from '../model/history.ts'
import { leaseTable } from '../model/lease.ts'
import { type ObjectKind, objectKinds, type PictureScope } from '../model/picture.ts'
import { placeTable } from '../model/places.ts'
import type { FleetSet } from '../rollout/fleet.ts'

/**
 * What is compared where the config does not say. Not grants: they name roles of the server that a target is on, and
 * default privileges add some that no migration made.
 */
export const defaultKinds: readonly ObjectKind[] = objectKinds.filter((kind) => kind !== 'grant')

/** What counts in a fleet's schemas. Tables that tools keep their own books in belong to no migration. */
export function pictureScope({ drift }: Pick<ResolvedConfig, 'drift'>, sets: readonly FleetSet[]): PictureScope {
  const books = sets.flatMap(({ table, shape: { nativeLock, beside } }) => [
    table,
    ...(beside === undefined ? [] : [beside.table]),
    ...(nativeLock?.kind === 'row' ? [nativeLockTable(table, nativeLock)] : []),
  ])
  return {
    kinds: drift.kinds ?? defaultKinds,
    exceptTables: [...new Set([...books, ledgerTable, leaseTable, dataChangeTable, seedTable, placeTable])].sort(),
    ignore: drift.ignore.map(({ kind, object }) => ({ kind, name: object })),
  }
}
