/** Endings that make a name the name of a SQLite file. Others are part of a tenant's name: `acme.co`. */
const fileEnding = /\.(?:db|db3|s3db|sl3|sqlite|sqlite2|sqlite3)$/i

/** Is this the name of a SQLite file, and not of a folder or of a database? */
export function isDatabaseFile(name: string): boolean {
  return fileEnding.test(name)
}

/**
 * File that a SQLite database of this name is in, within the folder of its server: `acme` → `acme.db`, and `acme.sqlite`
 * as it is. `''` stays: it stands for no file at all.
 */
export function databaseFile(name: string): string {
  return name === '' || isDatabaseFile(name) ? name : `${name}.db`
}
