import type { DropWarning, RemoveTenantReport } from '../../model/tenant-report.ts'
import { describeSize } from '../../provision/describe-size.ts'
import { showControls } from '../text.ts'
import { inline } from './inline.ts'
import { joinSections, type PrintStyle, printNotices } from './style.ts'
import { nameTenant, printSteps } from './tenants.ts'

/** What is archived or dropped, and how it could come back. */
export function printRemoval(report: RemoveTenantReport, style: PrintStyle): string[] {
  const { tenant, from, result, dropped, dump } = report
  const { colors } = style
  const done =
    result === 'archived'
      ? from === 'archived'
        ? 'is archived already; nothing was changed'
        : `${from} → archived; its data stays in ${inline(tenant.target)}`
      : dropped === null
        ? 'took it off the registry; nothing was dropped'
        : `dropped the ${inline(dropped.place)} (${describeSize(dropped.size)}), and took it off the registry`
  return joinSections([
    [
      ...(dump === null
        ? []
        : [`${colors.green('✔')} wrote ${inline(dump.file)} (${dump.bytes.toLocaleString('en-US')} bytes)`]),
      `${colors.green('✔')} ${nameTenant(tenant)}: ${done}`,
    ],
    printNotices(report.notices, style),
    printSteps(report.next, style),
  ])
}

/** What is asked before data is dropped. */
export function askToDrop(warning: DropWarning, dump: string | undefined, { colors, shell }: PrintStyle): string {
  const { tenant, place, size, dumpWith } = showControls(warning)
  const offer =
    dump !== undefined
      ? `It is written to ${inline(dump)} first.`
      : dumpWith === null
        ? 'No program to dump it with is installed here.'
        : `Nothing is written to a file first: \`${shell} tenants remove ${tenant.slug} --drop-data --dump <file>\` would, with ${dumpWith}.`
  return [
    `${colors.red('This drops data for good.')} ${nameTenant(tenant)}, ${tenant.state}:`,
    `  the ${inline(place)}: ${describeSize(size)}`,
    `  ${offer}`,
    `Type the slug \`${tenant.slug}\` to drop it, anything else to leave it: `,
  ].join('\n')
}
