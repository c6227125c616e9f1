import type { ServerAddress } from '../model/server.ts'
import { type Findings, showName, suggest } from './problem.ts'
import { isRecord, textAt, type UnknownRecord } from './record.ts'
import { type MappedField, type MappedTenants, mappedFields } from './resolved.ts'
import { stateNames, topologyNames } from './to-tenant.ts'

/** Reads `registry.tenants`: how a team's own table is taken for the book of tenants. null: it has problems. */
export function readMappedTenants(
  value: unknown,
  servers: ReadonlyMap<string, ServerAddress | null>,
  findings: Findings,
): MappedTenants | null {
  if (!isRecord(value)) return null
  const problem = (path: string, message: string) =>
    findings.problems.push({ path: `registry.tenants.${path}`, message })
  const columns: Partial<Record<MappedField, string>> = {}
  for (const [field, column] of Object.entries(isRecord(value.columns) ? value.columns : {})) {
    const known = mappedFields.find((name) => name === field)
    if (known === undefined) problem(`columns.${field}`, `unknown field${suggest(field, mappedFields)}`)
    else if (typeof column === 'string' && column !== '') columns[known] = column
    else problem(`columns.${field}`, 'must be the name of a column')
  }
  if (columns.id === undefined) problem('columns.id', 'is missing: sealed credentials are bound to the id')
  const twice = Object.values(columns).filter((column, i, list) => list.indexOf(column) !== i)
  if (twice.length > 0) problem('columns', `name ${twice.map(showName).join(', ')} more than once`)
  if (columns.port !== undefined && columns.host === undefined)
    problem('columns.port', 'does not go without `host`: it is the port of that')
  if (columns.database === undefined && columns.schema === undefined)
    problem('columns.database', 'is missing; without `database` or `schema` nobody knows where a tenant is')
  const defaults = isRecord(value.defaults) ? value.defaults : {}
  const server = textAt(defaults, 'server') ?? null
  if (server !== null && !servers.has(server))
    problem('defaults.server', `there is no server ${showName(server)}${suggest(server, servers.keys())}`)
  const values = isRecord(value.values) ? value.values : {}
  const dialects = ['postgres', 'mysql', 'sqlite'] as const
  return {
    table: textAt(value, 'table') ?? 'tenants',
    schema: textAt(value, 'schema') ?? null,
    columns,
    labels: Object.fromEntries(
      Object.entries(isRecord(value.labels) ? value.labels : {}).filter((pair): pair is [string, string] => {
        if (typeof pair[1] !== 'string') problem(`labels.${pair[0]}`, 'must be the name of a column')
        return typeof pair[1] === 'string'
      }),
    ),
    values: {
      topology: readWords(values.topology, 'topology', topologyNames),
      state: readWords(values.state, 'state', stateNames),
    },
    defaults: {
      topology:
        topologyNames.find((name) => name === defaults.topology) ??
        (columns.database === undefined ? 'schema' : 'database'),
      server,
      dialect: dialects.find((name) => name === defaults.dialect) ?? null,
    },
    password: value.password === 'sealed' || value.password === 'cbc' ? value.password : 'auto',
  }

  function readWords<T extends string>(given: unknown, key: string, allowed: readonly T[]): Record<string, T | null> {
    const words: Record<string, T | null> = {}
    for (const [word, ours] of Object.entries(isRecord(given) ? (given as UnknownRecord) : {})) {
      const known = ours === null ? null : allowed.find((name) => name === ours)
      if (known === undefined) problem(`values.${key}.${word}`, `must be one of ${allowed.join(', ')}, or null`)
      else words[word] = known
    }
    return words
  }
}
