import mysql from 'mysql2/promise'

/**
 * How to reach a server.
 * @typedef {{ host: string, port: number, user: string, password: string }} MariadbAddress
 */

/**
 * @typedef {object} MariadbClient
 * @property {string} host
 * @property {number} port
 * @property {string} user may do everything
 * @property {string} password
 * @property {(database?: string, as?: { user: string, password?: string }) => string} url A connection URL
 *   (`mysql:`). Default: no database, as the account that may do everything.
 * @property {(sql: string, database?: string, values?: readonly unknown[]) => Promise<Record<string, unknown>[]>} query
 *   Runs one or more statements on a connection of its own, and returns the rows (of several statements: the last one's).
 */

/**
 * A server somebody else started, by its address.
 * @param {MariadbAddress} address
 * @returns {MariadbClient}
 */
export function connectMariadb(address) {
  return {
    ...address,
    url(database = '', as = address) {
      const parts = [as.user, as.password].filter((part) => part !== undefined).map(encodeURIComponent)
      return `mysql://${parts.join(':')}@${address.host}:${address.port}/${encodeURIComponent(database)}`
    },
    async query(sql, database, values) {
      const connection = await mysql.createConnection({
        ...address,
        ...(database === undefined ? {} : { database }),
        multipleStatements: true,
        dateStrings: true,
        charset: 'utf8mb4',
        flags: ['-IGNORE_SPACE'],
      })
      // A server that ends under us also emits; the rejected promise already says so.
      connection.on('error', () => {})
      try {
        const [result] = await connection.query(sql, values === undefined ? undefined : [...values])
        return readRows(result)
      } finally {
        await connection.end().catch(() => connection.destroy())
      }
    },
  }
}

/**
 * Of several statements the driver gives an array of their results: rows, or a header where there are none.
 * @param {unknown} result
 * @returns {Record<string, unknown>[]}
 */
function readRows(result) {
  if (!Array.isArray(result)) return []
  const isSeveral = result.length > 0 && result.some((one) => Array.isArray(one) || isHeader(one))
  if (!isSeveral) return result
  const last = result.at(-1)
  return Array.isArray(last) ? last : []
}

/** @param {unknown} value */
function isHeader(value) {
  return typeof value === 'object' && value !== null && value.constructor.name === 'ResultSetHeader'
}
