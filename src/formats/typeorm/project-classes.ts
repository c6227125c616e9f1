import { importCode } from '../import-code.ts'
import { listValues, type ProjectSource } from './data-source.ts'
import { listGlob, readGlob } from './glob.ts'
import { isMigrationFile } from './list-files.ts'
import { readQuietly } from './watch-sources.ts'

/** Entities and subscribers of the project's data source, which migrations may use. */
export interface ProjectClasses {
  entities: readonly unknown[]
  subscribers: readonly unknown[]
}

/** Patterns among them are looked up by us: TypeORM itself cannot import TypeScript. Throws MIGRATIONS_UNREADABLE. */
export async function readProjectClasses(exports: unknown, project: ProjectSource | null): Promise<ProjectClasses> {
  if (project === null) return { entities: [], subscribers: [] }
  return readQuietly(exports, async () => ({
    entities: await resolveClasses(project, listValues(project.options.entities)),
    subscribers: await resolveClasses(project, listValues(project.options.subscribers)),
  }))
}

async function resolveClasses(project: ProjectSource, given: readonly unknown[]): Promise<unknown[]> {
  const classes: unknown[] = []
  for (const one of given) {
    if (typeof one !== 'string') {
      classes.push(one)
      continue
    }
    for (const path of await listGlob(readGlob(one, project.base))) {
      if (isMigrationFile(path)) classes.push(...collectClasses(await importCode(describe(path, project))))
    }
  }
  return [...new Set(classes)]
}

function describe(path: string, { base }: ProjectSource) {
  return { path, shown: path.startsWith(base) ? path.slice(base.length + 1) : path, decorated: true as const }
}

/** As TypeORM collects them from a module: functions and entity schemas, however deep. */
export function collectClasses(module: unknown, depth = 0): unknown[] {
  if (typeof module === 'function' || isEntitySchema(module)) return [module]
  if (typeof module !== 'object' || module === null || depth > 4) return []
  return Object.values(module).flatMap((one) => collectClasses(one, depth + 1))
}

function isEntitySchema(value: unknown): boolean {
  return typeof value === 'object' && value !== null && '@instanceof' in value
}
