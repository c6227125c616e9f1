import type { AuditEntry } from '../../model/registry.ts'
import type { CredentialSummary, ShowTenantReport, TenantStanding } from '../../model/tenant-report.ts'
import { describeState } from '../../registry/lifecycle.ts'
import { formatCount, listSome, plural, table } from '../text.ts'
import { inline } from './inline.ts'
import { joinSections, type PrintStyle } from './style.ts'
import { nameTenant, printSteps } from './tenants.ts'
import { describeLabels } from './tenants-list.ts'

const lastChanges = 10

/** One tenant in full: facts, what is migrated, what was changed. */
export function printTenant(report: ShowTenantReport, style: PrintStyle): string[] {
  const { colors } = style
  const { tenant, migrations } = report
  const { address } = tenant
  const facts: [string, string][] = [
    ['id', tenant.id],
    ['state', describeState(tenant.state)],
    ['topology', tenant.topology],
    ['target', tenant.target],
    ...(address === null ? [] : ([['host', `${address.host}:${address.port}`]] as [string, string][])),
    ['labels', describeLabels(tenant.labels) || 'none'],
    ['credential', describeCredential(report.credential)],
    ...(report.provision === null ? [] : ([['made', describeMaking(report.provision)]] as [string, string][])),
    ...(tenant.createdAt === null ? [] : ([['added', tenant.createdAt]] as [string, string][])),
    ...(tenant.updatedAt === null ? [] : ([['changed', tenant.updatedAt]] as [string, string][])),
  ]
  return joinSections([
    [colors.bold(nameTenant(tenant)), ...table(facts.map(([name, value]) => [`  ${name}`, inline(value)]))],
    migrations === null ? [] : migrations.map((standing) => describeStanding(standing, style)),
    printAudit(report.audit, style),
    printSteps(report.next, style),
  ])
}

function describeMaking({ step, attempts, isRunning, error }: NonNullable<ShowTenantReport['provision']>): string {
  const tries = attempts > 1 ? `, in ${attempts} attempts` : ''
  if (step === 'active') return `by tenantry${tries}`
  if (isRunning) return `right now, at step ${step}`
  return `up to step ${step}${tries}${error === null ? '' : `; stopped by ${error.code}: ${error.message.split('\n')[0]}`}`
}

function describeCredential({ kind, user, keyId, reference }: CredentialSummary): string {
  const who = user === null ? '' : `, as ${user}`
  const kinds: Readonly<Record<CredentialSummary['kind'], string>> = {
    sealed: keyId === null ? 'sealed, and damaged: it names no key' : `sealed with key ${keyId}`,
    cbc: 'AES-256-CBC (DB_ENCRYPTION_KEY)',
    reference: `looked up by ${reference}`,
    none: "none of its own: what the server's address says is used",
  }
  return `${kinds[kind]}${who}`
}

function describeStanding({ set, applied, pending, failed, error }: TenantStanding, { colors }: PrintStyle): string {
  if (error !== null) {
    return `${colors.red('✖')} migrations of ${set}: ${error.code}: ${inline(error.message.split('\n')[0] ?? '')}`
  }
  const facts = [
    `${formatCount(applied)} applied`,
    ...(failed.length > 0 ? [colors.red(`${formatCount(failed.length)} half-done: ${listSome(failed, 3)}`)] : []),
    ...(pending.length > 0 ? [`${formatCount(pending.length)} pending: ${listSome(pending, 3)}`] : []),
  ]
  const mark = failed.length > 0 ? colors.red('✖') : pending.length > 0 ? colors.yellow('!') : colors.green('✔')
  return `${mark} migrations of ${set}: ${facts.join(', ')}`
}

function printAudit(audit: readonly AuditEntry[], style: PrintStyle): string[] {
  if (audit.length === 0 || style.quiet) return []
  const shown = style.verbose ? audit : audit.slice(-lastChanges)
  const rows = shown.map(({ at, actor, action, from, to }) => [
    `  ${inline(at)}`,
    inline(actor),
    inline(action),
    inline([from, to].filter((value) => value !== null).join(' → ')),
  ])
  const title = `Changes (${shown.length < audit.length ? `the last ${shown.length} of ${plural(audit.length, 'change')}; --verbose shows all` : audit.length}):`
  return [style.colors.dim(title), ...table(rows)]
}
