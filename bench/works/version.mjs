import { runNode } from '../lib/child.mjs'
import { compareRatio } from '../lib/rows.mjs'
import { measurePairs } from '../lib/statistics.mjs'

/** What it costs to start the command line at all, against a bare Node. */
export async function measureVersion({ options, runners }) {
  const commands = { floor: ['-e', '0'], tenantry: [runners.tenantry.cliFile(), '--version'] }
  for (const args of Object.values(commands)) await runNode(args)
  const pairs = await measurePairs({
    rounds: options.sizes.starts,
    ours: 'tenantry',
    others: ['floor'],
    measure: async (name) => (await runNode(commands[name])).ms,
  })
  return [compareRatio({ work: 'tenantry --version', against: 'node -e 0', pairs: pairs.get('floor'), atMost: 1.5 })]
}
