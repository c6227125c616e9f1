import { join } from 'node:path'
import type { Removal } from '../../model/removal.ts'
import type { ServerAddress } from '../../model/server.ts'

export const removal: Removal = {
  async measure(connection) {
    const [row] = await connection.query(
      `SELECT COUNT(*) AS tables, COALESCE(SUM(t.TABLE_ROWS), 0) AS row_count,
         COALESCE(SUM(t.DATA_LENGTH + t.INDEX_LENGTH), 0) AS bytes
       FROM information_schema.TABLES t WHERE t.TABLE_SCHEMA = DATABASE() AND t.TABLE_TYPE = 'BASE TABLE'`,
    )
    return { tables: Number(row?.tables), rowsEstimate: Number(row?.row_count), bytes: Number(row?.bytes) }
  },
  dump(server, database, _schema, { file, folder }) {
    const { tls } = server
    const options = join(folder, 'client.cnf')
    const certificates = [
      ['ssl-ca', 'ca.pem', tls?.ca],
      ['ssl-cert', 'cert.pem', tls?.cert],
      ['ssl-key', 'key.pem', tls?.key?.reveal()],
    ] as const
    const given = certificates.filter(
      (one): one is (typeof certificates)[number] & [string, string, string] => one[2] !== undefined,
    )
    const settings: [string, string][] = [
      ...(server.socketPath === undefined
        ? ([
            ['protocol', 'tcp'],
            ['host', server.host],
            ['port', String(server.port)],
          ] as [string, string][])
        : ([['socket', server.socketPath]] as [string, string][])),
      ...(server.user === undefined ? [] : ([['user', server.user]] as [string, string][])),
      ...(server.password === undefined ? [] : ([['password', server.password.reveal()]] as [string, string][])),
      ...given.map(([name, path]): [string, string] => [name, join(folder, path)]),
    ]
    const lines = settings.map(([name, value]) => `${name}="${escapeOption(value)}"`)
    return {
      by: 'program',
      programs: ['mariadb-dump', 'mysqldump'],
      args: [
        // Only this file: what stands in ~/.my.cnf would win over it.
        `--defaults-file=${options}`,
        '--single-transaction',
        '--routines',
        '--triggers',
        '--events',
        '--hex-blob',
        `--result-file=${file}`,
        '--',
        database,
      ],
      env: { MYSQL_PWD: undefined, MYSQL_HOST: undefined, MYSQL_TCP_PORT: undefined, MYSQL_UNIX_PORT: undefined },
      secrets: [
        { path: options, text: `[client]\n${[...lines, ...tlsLines(tls)].join('\n')}\n` },
        ...given.map(([, path, text]) => ({ path: join(folder, path), text })),
      ],
    }
  },
  isOfServer: (database) => /^(mysql|sys|information_schema|performance_schema)$/i.test(database),
}

/** MariaDB's programs and MySQL's do not know each other's options. */
function tlsLines(tls: ServerAddress['tls']): string[] {
  if (tls === null) return []
  const checked = tls.ca !== undefined && tls.verify !== 'none'
  const mode = !checked ? 'REQUIRED' : tls.verify === 'full' ? 'VERIFY_IDENTITY' : 'VERIFY_CA'
  const own = checked && tls.verify === 'full' ? ['loose-ssl-verify-server-cert'] : []
  return ['loose-ssl', `loose-ssl-mode=${mode}`, ...own]
}

/** As option files are read: https://mariadb.com/kb/en/configuring-mariadb-with-option-files/ */
function escapeOption(value: string): string {
  const escapes: Readonly<Record<string, string>> = {
    '\\': '\\\\',
    '"': '\\"',
    '\n': '\\n',
    '\r': '\\r',
    '\t': '\\t',
    '\b': '\\b',
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a backspace is one of the escapes.
  return value.replace(/[\\"\n\r\t\u0008]/g, (character) => escapes[character] ?? character)
}
