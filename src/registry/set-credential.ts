import { showName } from '../config/problem.ts'
import { TenantryError } from '../model/errors.ts'
import type { SetCredentialOptions, SetCredentialReport } from '../model/key-report.ts'
import type { TenantStore } from '../model/registry.ts'
import { unknownTenant } from './own-tenants.ts'
import { checkReference } from './resolve-reference.ts'
import { type CredentialWriting, chooseSealing, sealWith, writeVerified } from './write-credentials.ts'

export interface CredentialSetting extends CredentialWriting {
  store: CredentialWriting['store'] & Pick<TenantStore, 'find'>
}

/**
 * Stores what a tenant's connections log in with: a password sealed, or a reference as it is. Throws TENANT_UNKNOWN,
 * KEY_INVALID, USAGE.
 */
export async function setCredential(
  setting: CredentialSetting,
  name: string,
  { user, password, reference }: SetCredentialOptions,
): Promise<SetCredentialReport> {
  if (user === '' || user.includes('\0')) throw new TenantryError('USAGE', 'The user has no name that a server knows.')
  const problem = reference === undefined ? null : checkReference(reference)
  if (problem !== null) {
    throw new TenantryError('USAGE', `The reference ${problem}.`, {
      hint: 'A reference says where the password is when a connection is made: `env:ACME_PASSWORD`, `file:/run/secrets/acme`, `command:vault kv get -field=password secret/acme`.',
    })
  }
  if (password?.reveal() === '') {
    throw new TenantryError('USAGE', `The password for ${showName(name)} is empty.`, {
      hint: 'Give it on standard input: `… --password-stdin < file`.',
    })
  }
  const tenant = await setting.store.find(name)
  if (tenant === null) throw unknownTenant(name)
  const { id, slug } = tenant
  const report = { command: 'tenants set-credentials' as const, ok: true, tenant: { id, slug }, user, notices: [] }
  if (password === undefined) {
    const credential = { tenantId: id, user, sealed: null, reference: reference ?? null }
    await setting.store.writeCredentials([{ credential }], 'credential', setting.actor)
    return { ...report, kind: 'reference', keyId: null }
  }
  const sealing = await chooseSealing(setting, id)
  const sealed = sealWith(sealing, id, password)
  const credential = { tenantId: id, user, sealed, reference: null }
  const { key, kind } = sealing
  const ring = { current: kind === 'sealed' ? key : null, previous: [], cbc: kind === 'cbc' ? key : null }
  const verified = await writeVerified(setting, [{ credential, secret: password }], 'credential', ring)
  if (verified.has(id)) return { ...report, kind, keyId: key.id }
  throw new TenantryError(
    'TENANT_STATE',
    `Somebody else changed the credential of ${showName(slug)} at the same moment, and theirs stayed.`,
    { hint: 'See who it was with `tenantry tenants show`, then run this again where it is still wanted.' },
  )
}
