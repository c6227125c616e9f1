import { randomBytes } from 'node:crypto'
import { DatabaseError } from '../../model/dialect.ts'
import type { ServerAddress } from '../../model/server.ts'
import { bare } from './failure.ts'
import { readWireError } from './remote-failure.ts'
import { defaultNamespace, type RemotePlace } from './remote-place.ts'
import { exchange, WireError } from './remote-wire.ts'

const known = new WeakMap<ServerAddress, Promise<boolean>>()

/**
 * A server that keeps no namespaces takes no notice of their names: all tenants would be migrated in its one database.
 * So it is asked once for one that nobody has. Throws {@link DatabaseError} where it is found.
 */
export async function keepsNamespaces(place: RemotePlace, connectTimeoutMs: number): Promise<void> {
  const { server, namespace, host } = place
  if (namespace === null || namespace === defaultNamespace) return
  const asked = known.get(server) ?? askForNobodys(place, connectTimeoutMs)
  known.set(server, asked)
  try {
    if (await asked) return
  } catch (error) {
    known.delete(server)
    throw readWireError(error, false, host)
  }
  const message = `${host} keeps one database and no namespaces, so "${namespace}" cannot be told from others; start it with --enable-namespaces, or name its database "${defaultNamespace}"`
  throw new DatabaseError(bare({ kind: 'database-missing', message }))
}

async function askForNobodys(place: RemotePlace, connectTimeoutMs: number): Promise<boolean> {
  const namespace = `tenantry-none-${randomBytes(8).toString('hex')}`
  try {
    await exchange({ ...place, namespace }, null, [], { closes: true, asksOnce: true, connectTimeoutMs })
    return false
  } catch (error) {
    // A token may be good for some namespaces only; whatever it said, it was asked for a namespace.
    if (error instanceof WireError && typeof error.reason === 'number') return true
    throw error
  }
}
