import { createHash, createHmac, pbkdf2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import type { Secret } from '../../model/secret.ts'

const derive = promisify(pbkdf2)
const iterations = 4096

/**
 * What the server keeps instead of a password. Given to CREATE ROLE, the password itself travels to no server and gets
 * into no log of statements. Source: PostgreSQL manual, pg_authid; RFC 5802.
 */
export async function scramVerifier(password: Secret, salt: Buffer = randomBytes(16)): Promise<string> {
  const salted = await derive(password.reveal().normalize('NFKC'), salt, iterations, 32, 'sha256')
  const sign = (text: string) => createHmac('sha256', salted).update(text).digest()
  const stored = createHash('sha256').update(sign('Client Key')).digest('base64')
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${stored}:${sign('Server Key').toString('base64')}`
}
