import { join } from 'node:path'
import type { FormatOptions } from '../../model/format.ts'
import type { DialectName } from '../../model/server.ts'
import { showPath } from '../list-folder.ts'
import type { Findings } from '../problems.ts'
import { readTextFile } from '../read-file.ts'

const dialectOf: Readonly<Record<string, DialectName>> = {
  postgresql: 'postgres',
  postgres: 'postgres',
  cockroachdb: 'postgres',
  mysql: 'mysql',
  sqlite: 'sqlite',
}

const dialectNames: Readonly<Record<DialectName, string>> = {
  postgres: 'PostgreSQL',
  mysql: 'MySQL or MariaDB',
  sqlite: 'SQLite',
}

/**
 * Prisma notes the kind of database in `migration_lock.toml` when it makes the first migration, and refuses to go on
 * with another one (P3019, `error_on_changed_provider` of prisma-engines). It goes on where the file is missing, and so
 * do we, with a notice.
 */
export async function checkLockFile(options: FormatOptions, dir: string, findings: Findings): Promise<void> {
  const path = join(dir, 'migration_lock.toml')
  const shown = showPath(options.root, path)
  const file = await readTextFile({ path, shown }, [])
  if (file === null) {
    findings.notices.push({
      rule: 'prisma-lock-missing',
      message: `${showPath(options.root, dir)} has no migration_lock.toml, so nothing says which kind of database these migrations were written for.`,
      hint: 'Prisma goes on without it, too; commit the file that Prisma writes beside the folders.',
      file: shown,
    })
    return
  }
  const problem = (message: string, hint: string) =>
    findings.problems.push({ code: 'MIGRATIONS_UNREADABLE', message, hint, files: [shown] })
  if (/^(<{7}|>{7}|={7})/m.test(file.text)) {
    problem(`${shown} holds the marks of a merge conflict.`, 'Settle the conflict; all sides should name one provider.')
    return
  }
  const provider = /^\s*provider\s*=\s*["']?([^"'\s#]*)/m.exec(file.text)?.[1] ?? ''
  const dialect = dialectOf[provider]
  // None are known where only the rows of a registry name the servers.
  const dialects = options.dialects?.length === 0 ? undefined : options.dialects
  if (dialects !== undefined && (dialect === undefined || !dialects.includes(dialect))) {
    const servers = dialects.map((name) => dialectNames[name]).join(' and ')
    problem(
      provider === ''
        ? `${shown} names no provider, and Prisma refuses it (P3019).`
        : `${shown} says these migrations were written for ${provider}, and the servers of this config are ${servers} (Prisma's P3019).`,
      'Give the set the right servers, or begin a new folder of migrations for the other database, as Prisma asks for.',
    )
    return
  }
  if (dialect !== undefined && provider !== 'cockroachdb' && (dialects !== undefined || dialect === 'postgres')) return
  findings.notices.push({
    rule: 'prisma-provider',
    message: `${shown} says these migrations were written for ${provider === '' ? 'no kind of database' : provider}.`,
    hint: 'Check that the servers of this set are of that kind.',
    file: shown,
  })
}
