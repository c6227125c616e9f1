import type { Removal } from '../../model/removal.ts'
import { fileOf } from './files.ts'
import { quoteLiteral } from './quote.ts'

/** A file; no statistics are kept of its rows. */
export const removal: Removal = {
  async measure(connection) {
    const [tables] = await connection.query(
      "SELECT COUNT(*) AS count FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    )
    const [pages] = await connection.query('PRAGMA page_count')
    const [size] = await connection.query('PRAGMA page_size')
    return {
      tables: Number(tables?.count),
      rowsEstimate: null,
      bytes: Number(pages?.page_count) * Number(size?.page_size),
    }
  },
  dump(server, database, _schema, { file }) {
    // A remote server would write it to its own disk.
    if (server.host !== '') fileOf(server, database)
    return { by: 'statement', sql: `VACUUM INTO ${quoteLiteral(file)}` }
  },
  isOfServer: () => false,
}
