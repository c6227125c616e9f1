import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, test } from 'vitest'

/** What a test may need from the machine, beyond what npm installs. The key is the name of the Debian package. */
export type Need = 'pgbouncer' | 'openssl'

const installer = fileURLToPath(new URL('../../scripts/install-servers.mjs', import.meta.url))

/**
 * `describe` for tests that need a program: `needs('pgbouncer')('through PgBouncer', () => { … })`.
 * A missing one is installed where that can be done (root, on Debian). Where it can't, the tests are skipped under a name
 * that says what to type, and counted; in CI they fail instead.
 */
export function needs(name: Need): (title: string, define: () => void) => void {
  return (title, define) => {
    if (findProgram(name) || (installProgram(name) && findProgram(name))) {
      describe(title, define)
      return
    }
    const reason = `needs ${name}: run ${process.getuid?.() === 0 ? '' : 'sudo '}apt-get install ${name}`
    describe(title, () => {
      test.skipIf(!isCi())(reason, () => {
        throw new Error(`${title} ${reason}`)
      })
    })
  }
}

/** Whether this run must not skip anything. */
function isCi(): boolean {
  return !['', '0', 'false', undefined].includes(process.env.CI)
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
