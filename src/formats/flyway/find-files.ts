import { relative, resolve, sep } from 'node:path'
import type { FormatOptions } from '../../model/format.ts'
import { compareVersions } from '../../model/version.ts'
import { type FolderEntry, listFolder } from '../list-folder.ts'
import type { Findings, FolderProblem } from '../problems.ts'
import { type FlywayName, readName } from './names.ts'
import type { FlywaySettings } from './settings.ts'

/** A file and what its name says. */
export interface FlywayFile {
  entry: FolderEntry
  /** As Flyway keeps it in its table: relative to the location. */
  script: string
  name: FlywayName
}

export type MigrationFile = FlywayFile & { name: Extract<FlywayName, { description: string }> }

/** The files of one migration, not read yet. */
export interface FlywayFiles {
  up: MigrationFile
  down: MigrationFile | null
  /** `V1__x.sql.conf`, and that of the undo. */
  upConf: FolderEntry | null
  downConf: FolderEntry | null
}

/** Every file of the locations, in their subfolders, too. */
export async function listLocations(options: FormatOptions, findings: Findings): Promise<FolderEntry[][]> {
  const seen = new Set<string>()
  const locations: FolderEntry[][] = []
  for (const dir of new Set(options.dirs.map((path) => resolve(path)))) {
    const files: FolderEntry[] = []
    const folders = [dir]
    for (let folder = folders.shift(); folder !== undefined; folder = folders.shift()) {
      for (const entry of await listFolder(options.root, folder, findings.problems)) {
        if (entry.kind === 'folder') folders.push(entry.path)
        else if (!seen.has(entry.path)) {
          seen.add(entry.path)
          files.push(entry)
        }
      }
    }
    locations.push(files)
  }
  return locations
}

/** Pairs and orders the files: versions first, then what is repeatable, by description. What cannot be used is a finding. */
export async function findFiles(
  options: FormatOptions,
  settings: FlywaySettings,
  findings: Findings,
): Promise<FlywayFiles[]> {
  const found: FlywayFile[] = []
  const confs = new Map<string, FolderEntry>()
  const locations = await listLocations(options, findings)
  const dirs = [...new Set(options.dirs.map((path) => resolve(path)))]
  for (const [index, files] of locations.entries()) {
    for (const entry of files) {
      if (options.ignore !== null && entry.name.search(options.ignore) >= 0) continue
      if (entry.name.endsWith('.conf')) confs.set(entry.path.slice(0, -'.conf'.length), entry)
      const name = readName(entry.name, settings)
      if (name === null) continue
      const script = relative(dirs[index] ?? '', entry.path)
        .split(sep)
        .join('/')
      found.push({ entry, script, name })
    }
  }
  describeOthers(found, findings)
  const is = (kind: FlywayName['kind']) => found.filter((file): file is MigrationFile => file.name.kind === kind)
  const versioned = is('versioned').sort((a, b) => compareVersions(versionOf(a), versionOf(b)))
  const repeatable = is('repeatable').sort((a, b) => (a.name.description < b.name.description ? -1 : 1))
  const undos = is('undo').filter(({ name }) => !name.code)
  findings.problems.push(
    ...findTwins(versioned, 'version', (a, b) => compareVersions(versionOf(a), versionOf(b)) === 0),
    ...findTwins(repeatable, 'description', (a, b) => a.name.description === b.name.description),
    ...findTwins(
      undos.sort((a, b) => compareVersions(versionOf(a), versionOf(b))),
      'version',
      (a, b) => compareVersions(versionOf(a), versionOf(b)) === 0,
    ),
    ...findClashes(versioned, repeatable),
    ...findLoneBaselines(is('baseline'), versioned),
  )
  for (const undo of undos) {
    if (versioned.some((one) => compareVersions(versionOf(one), versionOf(undo)) === 0)) continue
    findings.notices.push({
      rule: 'undo-without-migration',
      message: `${undo.entry.shown} undoes version ${versionOf(undo)}, and there is no such migration.`,
      hint: 'It has to have the version of the migration that it undoes.',
      file: undo.entry.shown,
    })
  }
  return [...versioned, ...repeatable].map((up) => {
    const down =
      up.name.kind === 'versioned'
        ? (undos.find((undo) => compareVersions(versionOf(undo), versionOf(up)) === 0) ?? null)
        : null
    const conf = (file: FlywayFile | null) => (file === null ? null : (confs.get(file.entry.path) ?? null))
    return { up, down, upConf: conf(up), downConf: conf(down) }
  })
}

export function versionOf({ name }: FlywayFile): string {
  return 'version' in name ? name.version : ''
}

/** What Flyway would do something with and a run of ours does not. */
function describeOthers(files: readonly FlywayFile[], { notices }: Findings): void {
  for (const { name, entry } of files) {
    if (name.kind === 'callback') {
      notices.push({
        rule: 'flyway-callback',
        message: `${entry.shown} is a callback of Flyway (${name.event}), and is not run here.`,
        hint: 'Put what each tenant needs once into a repeatable migration; statements for each session belong in the key `session`.',
        file: entry.shown,
      })
    }
    if (name.kind === 'odd') {
      notices.push({
        rule: 'flyway-name',
        message: `${entry.shown} is no migration to Flyway: ${name.why}.`,
        hint: 'Name it V<version>__<name>.sql or R__<name>.sql if it is to be run; `ignore` leaves it out without a word.',
        file: entry.shown,
      })
    }
    if (name.kind === 'baseline') {
      notices.push({
        rule: 'flyway-baseline-file',
        message: `${entry.shown} is a baseline migration: the versions that it stands for are applied instead.`,
        file: entry.shown,
      })
    }
  }
}

function findTwins(
  files: readonly MigrationFile[],
  what: 'version' | 'description',
  same: (a: MigrationFile, b: MigrationFile) => boolean,
): FolderProblem[] {
  return files.flatMap((file, index) => {
    const before = files[index - 1]
    if (before === undefined || !same(before, file)) return []
    const value = what === 'version' ? versionOf(file) : file.name.description
    return {
      code: 'MIGRATION_DUPLICATE' as const,
      message: `Two files have the ${what} ${value}: ${before.entry.shown}, ${file.entry.shown}.`,
      hint: 'Give each its own; one that has been applied anywhere should keep its name.',
      files: [before.entry.shown, file.entry.shown],
    }
  })
}

/** The table has a version or, without one, a description: one must not look like the other. */
function findClashes(versioned: readonly MigrationFile[], repeatable: readonly MigrationFile[]): FolderProblem[] {
  return repeatable.flatMap((file) => {
    const other = versioned.find((one) => versionOf(one) === file.name.description)
    if (other === undefined) return []
    return {
      code: 'MIGRATION_DUPLICATE' as const,
      message: `The description of ${file.entry.shown} is the version of ${other.entry.shown}: their rows could not be told apart.`,
      hint: 'Give the repeatable migration another name.',
      files: [file.entry.shown, other.entry.shown],
    }
  })
}

/** A baseline migration may stand for files that are not there any more: without them a new tenant cannot be made. */
function findLoneBaselines(baselines: readonly MigrationFile[], versioned: readonly MigrationFile[]): FolderProblem[] {
  return baselines
    .filter((file) => !versioned.some((one) => compareVersions(versionOf(one), versionOf(file)) <= 0))
    .map(({ entry }) => ({
      code: 'MIGRATIONS_UNREADABLE' as const,
      message: `${entry.shown} is a baseline migration of Flyway, and the versions that it stands for are not there.`,
      hint: 'Name it as the version that it is (V…), and mark it with `tenantry baseline` where the older ones are applied; or leave it out with the key `ignore`.',
      files: [entry.shown],
    }))
}
