import { isRecord } from '../../config/record.ts'
import { findExport, findValue, importCode } from '../../formats/import-code.ts'
import { isTenantryError } from '../../model/errors.ts'
import type { SeedDefinition } from '../../model/seed.ts'
import type { CodeBody, Complain, SeedPath } from './seed-file.ts'

const known = ['run', 'always', 'set', 'scope']
const hint = 'Write `export default defineSeed({ async run({ query, tenant }) { … } })`.'

/** Imports a seed that is a module. null: it is none; why was said. */
export async function readCodeSeed(
  file: SeedPath,
  complain: Complain,
): Promise<{ body: CodeBody; set: string | null } | null> {
  let module: unknown
  try {
    module = await importCode(file)
  } catch (error) {
    if (!isTenantryError(error)) throw error
    const { line } = error.context
    complain(error.message.replace(/\.$/, ''), typeof line === 'number' ? line : null, error.hint ?? undefined)
    return null
  }
  const run = findExport(module, 'run')
  if (run === null) {
    complain('its default export has no function `run`', null, hint)
    return null
  }
  const definition = (module as { default?: unknown }).default
  const outer = isRecord(definition) && isRecord(definition.default) ? definition.default : definition
  if (isRecord(outer)) {
    const unknown = Object.keys(outer).filter((name) => name !== 'default' && !known.includes(name))
    if (unknown.length > 0) complain(`it has an unknown member \`${unknown[0]?.slice(0, 60)}\``, null, hint)
  }
  const [always, set, scope] = ['always', 'set', 'scope'].map((name) => findValue(module, name))
  if (always !== undefined && typeof always !== 'boolean') complain('`always` must be true or false')
  if (set !== undefined && (typeof set !== 'string' || set === '')) complain('`set` must be a text')
  if (scope !== undefined && scope !== 'tenant' && scope !== 'target') complain('`scope` is `tenant` or `target`')
  return {
    body: {
      kind: 'code',
      always: always === true,
      scope: scope === 'target' ? 'target' : 'tenant',
      run: (async (context) => run.call(context)) as SeedDefinition['run'],
    },
    set: typeof set === 'string' ? set : null,
  }
}
