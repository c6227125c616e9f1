import type { Connection } from '../../model/dialect.ts'
import type { PictureScope, Pictures, SchemaPicture } from '../../model/picture.ts'
import { readCreations } from './picture-creations.ts'
import { pictureOf } from './picture-objects.ts'
import { readCatalog } from './picture-read.ts'

async function describe(
  connection: Connection,
  target: string | null,
  scope: PictureScope,
): Promise<SchemaPicture | null> {
  const catalog = await readCatalog(connection, target, scope)
  return catalog === null ? null : pictureOf(catalog, scope)
}

/**
 * How databases of MariaDB and MySQL are looked at: a target is a database, asked in two round trips.
 *
 * Left out, since it says nothing of the shape: counters, rows, definers, the order of columns, places on the disk, the
 * character set of the session that made a program, an event's start that nobody named. A table's collation is
 * told where it is not its database's, and a column's where it is not its table's. Integers have no width, but for
 * `tinyint(1)`. What a role may not read is said in place of the definition; grants are left out where it sees only
 * its own.
 */
export const pictures: Pictures = {
  describe,
  async fingerprint(connection, targets, scope) {
    const hashes: (string | null)[] = []
    for (const target of targets) hashes.push((await describe(connection, target, scope))?.hash ?? null)
    return { hashes }
  },
  creations: readCreations,
}
