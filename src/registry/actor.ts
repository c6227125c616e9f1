import { hostname, userInfo } from 'node:os'
import type { Actor } from '../model/registry.ts'

const longestName = 200

/** Who is at work, for the audit table: TENANTRY_ACTOR, else `user@host`. Control characters are left out. */
export function actorOf(env: Readonly<Record<string, string | undefined>>): Actor {
  const given = clean(env.TENANTRY_ACTOR ?? '')
  return { name: given === '' ? clean(`${userName(env)}@${hostname()}`) : given }
}

/** In a container the user id may have no name. */
function userName(env: Readonly<Record<string, string | undefined>>): string {
  try {
    return userInfo().username
  } catch {
    return env.USER ?? `uid-${process.getuid?.() ?? 'unknown'}`
  }
}

function clean(text: string): string {
  return [...text.replace(/\p{C}/gu, '')].slice(0, longestName).join('').trim()
}
