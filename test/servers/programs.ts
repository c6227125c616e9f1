import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** What a test may need from the machine, beyond what npm installs: names of Debian packages. */
export type Need = 'pgbouncer' | 'openssl' | 'mariadb-server' | 'sql-migrate'

const programs: Record<Need, string> = {
  pgbouncer: 'pgbouncer',
  openssl: 'openssl',
  'mariadb-server': 'mariadbd',
  'sql-migrate': 'sql-migrate',
}

const installer = fileURLToPath(new URL('../../scripts/install-servers.mjs', import.meta.url))

/** Whether the program is there; it is installed where that can be done (root, on Debian). */
export function hasProgram(name: Need): boolean {
  const isThere = () => findProgram(programs[name]) !== undefined
  return isThere() || (installProgram(name) && isThere())
}

/** What to type to get it. */
export function installHint(name: Need): string {
  return `run ${process.getuid?.() === 0 ? '' : 'sudo '}apt-get install ${name}`
}

/** The path of a program; Debian keeps some where ordinary users do not look. */
export function findProgram(name: string): string | undefined {
  const found = spawnSync('sh', ['-c', 'command -v "$0"', name], {
    encoding: 'utf8',
    env: { PATH: `${process.env.PATH}:/usr/sbin:/usr/local/sbin:/sbin` },
  })
  return found.status === 0 ? found.stdout.trim() : undefined
}

function installProgram(name: Need): boolean {
  if (process.getuid?.() !== 0 || !findProgram('apt-get')) return false
  return spawnSync(process.execPath, [installer, name], { stdio: ['ignore', 2, 2] }).status === 0
}
