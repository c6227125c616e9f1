import type { Connection } from '../model/dialect.ts'
import type { ScriptStatement } from '../model/script.ts'
import { type CompiledStep, schemaOf, type TargetWork } from './work.ts'

/** For "already exists": does what is there equal what the migration makes, and what follows from that? */
export async function explainExisting(
  work: TargetWork,
  connection: Connection,
  step: CompiledStep,
  statement: ScriptStatement,
): Promise<{ note: string; hint: string }> {
  const verdict = await work.dialect
    .compareExisting(connection, statement, schemaOf(work))
    .catch(() => 'unknown' as const)
  const [tenant] = work.target.tenants
  const name = work.target.tenants.length === 1 && tenant !== undefined ? tenant.slug : work.target.name
  const baseline = `tenantry baseline --migration ${step.migration.id} ${name}`
  if (verdict === 'equal') {
    return {
      note: 'What is there equals what the migration makes.',
      hint: `If the whole migration was run by hand, mark it as applied: \`${baseline}\`.`,
    }
  }
  if (verdict === 'different') {
    return {
      note: 'What is there differs from what the migration makes.',
      hint: `Rename or drop what is in the way and run \`tenantry up\` again; only if it really is what the migration should leave, mark it as applied: \`${baseline}\`.`,
    }
  }
  return {
    note: 'Whether what is there equals what the migration makes could not be told.',
    hint: `Compare them; if they are equal, mark the migration as applied: \`${baseline}\`; else rename or drop what is in the way and run \`tenantry up\` again.`,
  }
}
