/** The command-line client and mariadb-dump of MariaDB: what others do with a file, and what is in a database then. */
import { spawnSync } from 'node:child_process'
import type { MariadbDatabase } from '../servers/shared-mariadb.ts'

function run(program: string, { server, name }: MariadbDatabase, options: readonly string[], input: string): string {
  const { host, port, user, password } = server
  const place = [
    '--no-defaults',
    `--host=${host}`,
    `--port=${port}`,
    `--user=${user}`,
    '--default-character-set=utf8mb4',
  ]
  const { status, stdout, stderr, error } = spawnSync(program, [...place, ...options, name], {
    input,
    encoding: 'utf8',
    maxBuffer: 100_000_000,
    // An argument would be seen by everybody on this machine.
    env: { ...process.env, MYSQL_PWD: password },
  })
  if (error) throw error
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr}`)
  return stdout
}

/** Gives a file to the client; what it prints: values parted by tabs, without column names. */
export function runClient(database: MariadbDatabase, file: string): string {
  return run('mariadb', database, ['--batch', '--skip-column-names', '--raw'], file)
}

/** Everything in a database, rows and programs included; tables named are left out. */
export function dumpDatabase(database: MariadbDatabase, without: readonly string[] = []): string {
  const left = without.map((table) => `--ignore-table=${database.name}.${table}`)
  const options = ['--routines', '--events', '--triggers', '--skip-comments', '--skip-extended-insert', ...left]
  return run('mariadb-dump', database, options, '').replaceAll(database.name, '(database)')
}
