import type { ProvisionReport } from '../../model/provision.ts'
import type { ImportTenantsReport, NextStep, TenantItem, TenantReport } from '../../model/tenant-report.ts'
import { formatDuration, plural } from '../text.ts'
import { inline } from './inline.ts'
import { joinSections, type PrintStyle, printNext, printNotices } from './style.ts'

/** What became of one tenant. */
export function printTenantChange(report: TenantReport, style: PrintStyle): string[] {
  const { tenant, from } = report
  const done =
    from === null
      ? `added, ${tenant.state}, in ${inline(tenant.target)}`
      : from === tenant.state
        ? `is ${tenant.state} already; nothing was changed`
        : `${from} → ${tenant.state}`
  const brought = report.applied?.length ? `; ${plural(report.applied.length, 'migration')} applied first` : ''
  return joinSections([
    [`${style.colors.green('✔')} ${nameTenant(tenant)}: ${done}${brought}`],
    printNotices(report.notices, style),
    printSteps(report.next, style),
  ])
}

/** What was made, from what, and how long it took. */
export function printProvision(report: ProvisionReport, style: PrintStyle): string[] {
  const { tenant, made, source, verified, durationMs } = report
  const sources = {
    template: 'copied from a template',
    snapshot: 'from a snapshot',
    replay: 'by every migration',
  } as const
  const facts = [
    ...(source === null ? [] : [sources[source]]),
    ...(verified ? ['its schema equals the reference'] : []),
    formatDuration(durationMs),
  ]
  const done = made
    ? `made and ${tenant.state}, in ${inline(tenant.target)} (${facts.join(', ')})`
    : `${tenant.state} already, in ${inline(tenant.target)}; nothing was made`
  return joinSections([
    [`${style.colors.green('✔')} ${nameTenant(tenant)}: ${done}`],
    printNotices(report.notices, style),
    printSteps(report.next, style),
  ])
}

/** How many came in. */
export function printImport(report: ImportTenantsReport, style: PrintStyle): string[] {
  const states = Object.entries(report.states).map(([state, count]) => `${count} ${state}`)
  const count = `${plural(report.tenants, 'tenant')}${states.length > 1 ? ` (${states.join(', ')})` : ''}`
  const done = report.dryRun
    ? `${inline(report.file)} is fine: ${count} would be added; nothing was`
    : `${count} added from ${inline(report.file)}`
  return joinSections([
    [`${style.colors.green('✔')} ${done}`],
    printNotices(report.notices, style),
    printSteps(report.next, style),
  ])
}

/** Its slug, and its name where that says more. */
export function nameTenant({ slug, name }: TenantItem): string {
  return name === null || name === slug ? inline(slug) : `${inline(slug)} (${inline(name)})`
}

/** Commands that could follow. */
export function printSteps(next: readonly NextStep[], style: PrintStyle): string[] {
  return printNext(
    next.map(({ command, why }) => `\`${command}\`: ${why}`),
    style,
  )
}
