import type { SharedTableRules } from '../model/health.ts'
import { isRecord, textAt } from './record.ts'

/** Reads `sharedTables`. Types are checked elsewhere; what is of a wrong one is passed over. */
export function readSharedTables(given: unknown): SharedTableRules | null {
  if (given === false) return null
  const rules = isRecord(given) ? given : {}
  return {
    column: textAt(rules, 'column') ?? 'tenant_id',
    setting: textAt(rules, 'setting') ?? 'app.tenant_id',
    rowLevelSecurity: rules.rowLevelSecurity === true,
    except: Array.isArray(rules.except) ? rules.except.filter((name) => typeof name === 'string') : [],
  }
}
