import { join } from 'node:path'
import type { Notice } from '../model/migration.ts'
import { detectProject } from './detect.ts'
import type { ResolvedConfig } from './resolved.ts'

/**
 * A config that was made from variables alone, with the migrations that the project seems to have in the place of the
 * default `./migrations`. null: nothing was found that this version can run.
 */
export async function withFoundSets(config: ResolvedConfig): Promise<ResolvedConfig | null> {
  const found = (await detectProject(config.root)).migrations.filter(({ supported }) => supported)
  const [chosen, ...others] = found
  const [set] = config.sets
  if (chosen === undefined || set === undefined) return null
  const notices: Notice[] =
    others.length === 0
      ? []
      : [
          {
            rule: 'other-migrations',
            message: `${chosen.dir} is taken for the migrations, and ${others.map(({ dir, format }) => `${dir} (${format})`).join(', ')} ${others.length === 1 ? 'is' : 'are'} not.`,
            hint: 'Several sets are told apart in a config; `tenantry adopt --write` makes one to begin with.',
          },
        ]
  const dirs = [join(config.root, chosen.dir)]
  return {
    ...config,
    sets: [{ ...set, dirs, format: chosen.format, dirGiven: true }],
    notices: [...config.notices, ...notices],
  }
}
