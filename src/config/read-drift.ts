import { type ObjectKind, objectKinds } from '../model/picture.ts'
import { isExpression, isRecord, textAt } from './record.ts'
import type { DriftRules } from './resolved.ts'

/** Reads `drift`. Types are checked elsewhere; what is of a wrong one is passed over. */
export function readDrift(given: unknown): DriftRules {
  const drift = isRecord(given) ? given : {}
  const ignore = (Array.isArray(drift.ignore) ? drift.ignore : []).filter(isRecord).flatMap((rule) => {
    const object = isExpression(rule.object) ? rule.object.source : textAt(rule, 'object')
    const reason = textAt(rule, 'reason')
    if (object === undefined || reason === undefined) return []
    return [{ kind: isKind(rule.kind) ? rule.kind : null, object, reason }]
  })
  return { kinds: Array.isArray(drift.kinds) ? drift.kinds.filter(isKind) : null, ignore }
}

function isKind(value: unknown): value is ObjectKind {
  return objectKinds.some((kind) => kind === value)
}
