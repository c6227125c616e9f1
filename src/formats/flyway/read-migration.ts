import { TenantryError } from '../../model/errors.ts'
import type { FormatOptions } from '../../model/format.ts'
import type { Body, Migration } from '../../model/migration.ts'
import { checksumText } from '../checksums.ts'
import { isUnwritten, readHeaders, readLeadingComments } from '../headers.ts'
import type { FolderEntry } from '../list-folder.ts'
import { readPhase } from '../phase.ts'
import { replacePlaceholders } from '../placeholders.ts'
import type { Findings } from '../problems.ts'
import { type FileText, readTextFile } from '../read-file.ts'
import { noteUnwritten } from '../read-undo.ts'
import { flywayChecksum } from './checksum.ts'
import { type FlywayFiles, type MigrationFile, versionOf } from './find-files.ts'
import { fillPlaceholders } from './placeholders.ts'
import { type FlywaySettings, readProperties } from './settings.ts'

/** One file as it will be run. */
interface ReadSql {
  file: FileText
  text: string
  /** As Flyway takes it of what it runs, and of the file as it is. */
  checksums: readonly [number, number]
  inTransaction: boolean
}

/** Reads one migration. null: it cannot be used, or a `.conf` says that it is not to be run. */
export async function readMigration(
  files: FlywayFiles,
  settings: FlywaySettings,
  options: FormatOptions,
  now: Date,
  findings: Findings,
): Promise<Migration | null> {
  const { up } = files
  const { name, entry } = up
  const id = entry.name.replace(/\.[^.]+$/, '')
  if (name.code) return readForeign(up, id, findings)
  const read = await readSql(up, files.upConf, settings, options, now, findings)
  if (read === null) return null
  const [checksum, raw] = read.checksums
  const down = await readUndo(files, id, settings, options, now, findings)
  const own = checksumText(read.file)
  const version = name.kind === 'versioned' ? versionOf(up) : null
  const description = readHeaders(read.text).description
  return {
    id,
    number: version,
    checksum: own.checksum,
    otherChecksums: [...own.otherChecksums, ...new Set([String(checksum), String(raw)])],
    description: description ?? (name.description === '' ? null : name.description),
    keys: version === null ? [id, name.description] : [...new Set([id, up.entry.name, ...spellings(version)])],
    up: { kind: 'sql', text: read.text, file: entry.shown },
    down: down?.body ?? null,
    transaction: read.inTransaction ? 'auto' : 'never',
    ...(version === null ? { repeats: true as const } : {}),
    row: {
      up: { version, description: name.description, type: 'SQL', script: up.script, checksum },
      ...(down === null ? {} : { down: down.row }),
    },
    ...readPhase(read.text, entry.shown, findings.problems),
  }
}

/** `1.0` is the version `1`, and `001` may have been written `1` when it was applied. */
function spellings(version: string): string[] {
  const parts = version.split('.').map((part) => part.replace(/^0+(?=\d)/, ''))
  while (parts.length > 1 && parts.at(-1) === '0') parts.pop()
  const plain = parts.join('.')
  return [version, plain, `${plain}.0`]
}

async function readSql(
  { entry, name }: MigrationFile,
  conf: FolderEntry | null,
  settings: FlywaySettings,
  options: FormatOptions,
  now: Date,
  findings: Findings,
): Promise<ReadSql | null> {
  const file = await readTextFile(entry, findings.problems)
  const said = await readConf(conf, findings)
  if (file === null || said === null) return null
  if (!isRun(said, entry, conf, findings)) return null
  const replaces = (said.placeholderReplacement ?? String(settings.replaces)).toLowerCase() !== 'false'
  const given = replacePlaceholders(file.text, options.placeholders)
  const filled = replaces
    ? fillPlaceholders(given, entry.name, settings, options, now)
    : { text: given, depends: false, missing: [] }
  for (const { name: placeholder, line, why, hint } of filled.missing) {
    findings.problems.push({
      code: 'MIGRATIONS_UNREADABLE',
      message: `${entry.shown}, line ${line}: ${placeholder} cannot be filled in: ${why}.`,
      hint,
      files: [entry.shown],
    })
  }
  const raw = flywayChecksum(file.text)
  // Of a repeatable one Flyway takes what it runs, and takes the file as it is for the same.
  const whole = name.kind === 'repeatable' && replaces && !filled.depends ? flywayChecksum(filled.text) : raw
  const asked = said.executeInTransaction ?? findDirective(filled.text) ?? String(settings.inTransaction)
  const inTransaction = asked.toLowerCase() !== 'false' && !readHeaders(filled.text).noTransaction
  return { file, text: filled.text, checksums: [whole, raw], inTransaction }
}

/** `-- flyway:executeInTransaction=false` at the top of a file. */
function findDirective(text: string): string | null {
  for (const line of readLeadingComments(text)) {
    const said = /^flyway:\s*executeInTransaction\s*=\s*(true|false)\s*$/i.exec(line)?.[1]
    if (said !== undefined) return said
  }
  return null
}

async function readConf(conf: FolderEntry | null, findings: Findings): Promise<Record<string, string> | null> {
  if (conf === null) return {}
  const file = await readTextFile(conf, findings.problems)
  return file === null ? null : readProperties(file.text)
}

function isRun(
  { shouldExecute, encoding }: Readonly<Record<string, string>>,
  entry: FolderEntry,
  conf: FolderEntry | null,
  findings: Findings,
): boolean {
  const refuse = (message: string, hint: string) => {
    findings.problems.push({ code: 'MIGRATIONS_UNREADABLE', message, hint, files: [conf?.shown ?? entry.shown] })
    return false
  }
  if (encoding !== undefined && !/^utf-?8$/i.test(encoding)) {
    return refuse(`${conf?.shown} says that its file is ${encoding}.`, 'Save the file as UTF-8.')
  }
  if (shouldExecute === undefined || shouldExecute.toLowerCase() === 'true') return true
  if (shouldExecute.toLowerCase() !== 'false') {
    return refuse(
      `${conf?.shown} says when its file is run (${shouldExecute.slice(0, 80)}), which is not worked out here.`,
      'Write true or false; or make a set of it, for the tenants that have a label.',
    )
  }
  findings.notices.push({
    rule: 'flyway-not-executed',
    message: `${entry.shown} is not run: ${conf?.shown} says so.`,
    file: entry.shown,
  })
  return false
}

async function readUndo(
  { down, downConf }: FlywayFiles,
  id: string,
  settings: FlywaySettings,
  options: FormatOptions,
  now: Date,
  findings: Findings,
): Promise<{ body: Body; row: NonNullable<Migration['row']>['up'] } | null> {
  if (down === null) return null
  const read = await readSql(down, downConf, settings, options, now, findings)
  if (read === null) return null
  const { entry, script, name } = down
  if (isUnwritten(read.file.text)) {
    findings.notices.push(noteUnwritten(entry, id))
    return null
  }
  const [checksum] = read.checksums
  return {
    body: {
      kind: 'sql',
      text: read.text,
      file: entry.shown,
      ...(read.inTransaction ? {} : { transaction: 'never' as const }),
    },
    row: { version: versionOf(down), description: name.description, type: 'UNDO_SQL', script, checksum },
  }
}

/** A migration in Java keeps its place: what comes after it must not run before Flyway has run it. */
async function readForeign({ name, entry, script }: MigrationFile, id: string, findings: Findings): Promise<Migration> {
  const version = name.kind === 'versioned' && 'version' in name ? String(name.version) : null
  findings.notices.push({
    rule: 'flyway-java',
    message: `${entry.shown} is a migration in Java, which only Flyway itself can run.`,
    hint: `Where it is pending, run Flyway up to it first (\`flyway migrate -target=${version ?? '…'}\`), then \`tenantry up\`.`,
    file: entry.shown,
    migration: id,
  })
  return {
    id,
    number: version,
    checksum: '',
    otherChecksums: [],
    description: name.description,
    keys: version === null ? [id, name.description] : [...new Set([id, ...spellings(version)])],
    up: {
      kind: 'code',
      file: entry.shown,
      load: async () => {
        throw new TenantryError(
          'MIGRATIONS_UNREADABLE',
          `${entry.shown} is a migration in Java, which only Flyway itself can run.`,
          {
            hint: `Run Flyway up to it (\`flyway migrate -target=${version ?? '…'}\`) and then \`tenantry up\`; or write it in SQL; or, if it has been done by hand, mark it with \`tenantry baseline --migration ${id} --force\`.`,
            context: { file: entry.shown, migration: id },
          },
        )
      },
    },
    down: null,
    transaction: 'auto',
    row: { up: { version, description: name.description, type: 'JDBC', script, checksum: null } },
  }
}
