import { withFoundSets } from './config/found-sets.ts'
import type { ResolvedConfig } from './config/resolved.ts'
import { writeInit } from './config/write-init.ts'
import { isTenantryError } from './model/errors.ts'
import type { AdoptReport, Selectors } from './model/report.ts'
import type { Registry } from './registry/registry.ts'
import { adoptFleet } from './rollout/adopt.ts'
import { Fleet } from './rollout/fleet.ts'
import { dialectOf, loadDialects, tenantsOf } from './wiring.ts'

interface Project {
  config: ResolvedConfig
  fleet: Fleet
  registry: Registry | null
}

/** Shows what is there; `write`: writes a config where there is none. */
export async function adoptProject(
  project: Project,
  options: { selectors?: Selectors; write?: boolean },
): Promise<AdoptReport> {
  const fleet = await fleetOfProject(project)
  try {
    const report = await adoptFleet(fleet, options.selectors ?? {})
    const { file, root } = project.config
    const written = file === null && options.write === true
    return { ...report, config: written ? (await writeInit(root)).file : file, written }
  } finally {
    if (fleet !== project.fleet) await fleet.close()
  }
}

/** Without a config, and with nothing in the usual folder, the project is looked at for other ones. */
async function fleetOfProject({ config, fleet: own, registry }: Project): Promise<Fleet> {
  if (config.file !== null) return own
  const loaded = await own.loadSets().catch((error: unknown) => {
    if (isTenantryError(error) && error.code === 'MIGRATIONS_UNREADABLE') return []
    throw error
  })
  if (loaded.some(({ migrations }) => migrations.length > 0)) return own
  const found = await withFoundSets(config)
  if (found === null) return own
  await loadDialects(found)
  for (const notice of found.notices.slice(config.notices.length)) own.emit({ type: 'notice', notice })
  const fleet: Fleet = new Fleet(
    found,
    (server) => dialectOf(found, server),
    () => tenantsOf(found, fleet, registry),
    own.emit,
    own.credentials,
  )
  return fleet
}
