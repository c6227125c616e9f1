import { isAbsolute, relative, resolve, sep } from 'node:path'
import { databaseFile } from '../model/database-file.ts'

/**
 * Name of a SQLite database within the folder of its server, in the one way that it is written: `acme`, `./acme.db` and
 * `/srv/tenants/acme.db` are the same file, `acme.db`. null: it leads out of the folder.
 */
export function nameInFolder(folder: string, database: string): string | null {
  const inside = relative(folder, resolve(folder, databaseFile(database)))
  if (inside === '' || inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) return null
  return inside
}
