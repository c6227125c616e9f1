import type { Dialect } from './model/dialect.ts'
import type { DialectName } from './model/server.ts'

const loaders: Record<DialectName, () => Promise<Dialect>> = {
  postgres: async () => (await import('./dialects/postgres/index.ts')).postgres,
  mysql: async () => (await import('./dialects/mysql/index.ts')).mysql,
  sqlite: async () => (await import('./dialects/sqlite/index.ts')).sqlite,
}

/** The dialects that are built in. */
export const builtInDialects = Object.keys(loaders) as readonly DialectName[]

/** A dialect that is built in, loaded once per process. Its driver is loaded with the first connection. */
export async function loadDialect(name: DialectName): Promise<Dialect> {
  return loaders[name]()
}
