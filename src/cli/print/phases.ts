import type { ChangePhases, PhaseReport } from '../../model/phase-report.ts'
import { listSome, plural } from '../text.ts'
import { joinSections, type PrintStyle, printNext, printNotices } from './style.ts'

const inWords: Record<ChangePhases['state'], string> = {
  'under-way': 'under way',
  migrated: 'migrated; it has no contract step yet',
  ready: 'ready: the contract step may run',
  contracted: 'contracted',
}

/** Each change, how many targets have which phase, and who is behind. */
export function printPhases(report: PhaseReport, style: PrintStyle): string[] {
  const { colors } = style
  const lines = report.changes.flatMap(({ change, state, phases, behind, behindCount }) => [
    `${colors.bold(change)}  ${state === 'under-way' ? colors.yellow(inWords[state]) : colors.green(inWords[state])}`,
    ...phases.flatMap(({ phase, migrations, done, targets }) =>
      migrations.length === 0
        ? []
        : [`  ${phase.padEnd(8)}  ${done} of ${plural(targets, 'target')}  ${migrations.join(', ')}`],
    ),
    ...(behindCount === 0
      ? []
      : [
          `  behind    ${listSome(
            behind.map(({ target, missing }) => `${target} (${missing.join(', ')})`),
            style.verbose ? 20 : 3,
          )}${behindCount > behind.length ? `; ${behindCount} in all` : ''}`,
        ]),
  ])
  const waits = report.changes.some(({ state }) => state === 'under-way')
  const ready = report.changes.some(({ state }) => state === 'ready')
  return joinSections([
    printNotices(report.notices, style),
    report.changes.length === 0 ? ['No migration is marked with `tenantry:phase … of …`.'] : lines,
    printNext(
      [
        ...(waits
          ? [`\`${style.shell} up\` brings tenants past expand and migrate; contract steps wait for the last of them`]
          : []),
        ...(ready
          ? [
              `\`${style.shell} up\` runs the contract step: first make sure that no running code uses what it takes away`,
            ]
          : []),
      ],
      style,
    ),
  ])
}
