import { resolve } from 'node:path'
import type { Findings } from './problem.ts'
import { isRecord, textAt } from './record.ts'
import type { KeySource, ResolvedKeys } from './resolved.ts'

/** Reads `keys`: where each key comes from. The keys themselves are read when one is needed. */
export function readKeys(value: unknown, root: string, findings: Findings): ResolvedKeys {
  const given = isRecord(value) ? value : {}
  const previous = readSource(given.previous, 'keys.previous', root, findings)
  return {
    master: readSource(given.master, 'keys.master', root, findings) ?? { from: 'env', name: 'MASTER_ENCRYPTION_KEY' },
    previous: [previous ?? { from: 'env', name: 'MASTER_ENCRYPTION_KEY_PREVIOUS' }],
    cbc: readSource(given.cbc, 'keys.cbc', root, findings) ?? { from: 'env', name: 'DB_ENCRYPTION_KEY' },
  }
}

function readSource(value: unknown, path: string, root: string, findings: Findings): KeySource | null {
  if (value === undefined) return null
  const [name, file, command] = isRecord(value)
    ? [textAt(value, 'env'), textAt(value, 'file'), textAt(value, 'command')]
    : []
  if ([name, file, command].filter((one) => one !== undefined).length !== 1) {
    findings.problems.push({ path, message: 'names one of `env`, `file` or `command`; never the key itself' })
    return null
  }
  if (name !== undefined) return { from: 'env', name }
  return file !== undefined
    ? { from: 'file', path: resolve(root, file) }
    : { from: 'command', command: command as string }
}
