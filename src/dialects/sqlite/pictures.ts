import { createHash } from 'node:crypto'
import type { Connection } from '../../model/dialect.ts'
import type { PictureScope, Pictures } from '../../model/picture.ts'
import { readCreations } from './picture-creations.ts'
import { pictureOf, readCatalog } from './picture-objects.ts'
import { isOwnSchema, readSchemaRows } from './picture-read.ts'

/** Hashes of definitions that were seen already: most files of a fleet say the same, word for word. */
const known = new Map<string, string>()
const mostKnown = 2000

function remember(key: string, hash: string): string {
  if (known.size >= mostKnown) known.delete(known.keys().next().value as string)
  known.set(key, hash)
  return hash
}

async function fingerprintFile(connection: Connection, scope: PictureScope): Promise<string> {
  const rows = await readSchemaRows(connection)
  const key = createHash('sha256')
    .update(JSON.stringify([scope, rows]))
    .digest('base64')
  return known.get(key) ?? remember(key, pictureOf(readCatalog(rows), scope).hash)
}

/**
 * How SQLite files are looked at: one question gives the texts that made everything, and those are read here.
 *
 * Left out, since it says nothing of the shape: the order of columns, names of keys and foreign keys, counters,
 * comments, how names are quoted, upper and lower case of keywords and of names within definitions, and what goes
 * without saying (`ASC`, `COLLATE BINARY`, `ON CONFLICT ABORT`, `DEFAULT NULL`, `NOT DEFERRABLE`, `MATCH`). Names of
 * tables, columns and the rest are told as they are declared: programs see their case in rows. Tables that virtual
 * tables keep their own things in are passed over.
 */
export const pictures: Pictures = {
  async describe(connection, target, scope) {
    return isOwnSchema(target) ? pictureOf(readCatalog(await readSchemaRows(connection)), scope) : null
  },
  async fingerprint(connection, targets, scope) {
    const hashes: (string | null)[] = []
    for (const target of targets) hashes.push(isOwnSchema(target) ? await fingerprintFile(connection, scope) : null)
    return { hashes }
  },
  creations: readCreations,
}
