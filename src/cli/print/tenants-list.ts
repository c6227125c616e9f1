import type { TenantItem } from '../../model/tenant-report.ts'
import { formatCount, plural, quoteWord } from '../text.ts'
import { inline } from './inline.ts'
import type { PrintStyle } from './style.ts'

const header = ['slug', 'state', 'topology', 'target', 'labels'] as const

/** A table that is printed in pieces: the first piece decides how wide its columns are. */
export function startTenantTable({ colors, quiet }: PrintStyle): (tenants: readonly TenantItem[]) => string[] {
  let widths: number[] | null = null
  return (tenants) => {
    const rows = tenants.map(({ slug, state, topology, target, labels }) =>
      [slug, state, topology, target, describeLabels(labels)].map(inline),
    )
    if (rows.length === 0) return []
    const head = widths === null && !quiet ? [header] : []
    widths ??= header.map((name, i) => Math.max(name.length, ...rows.map((row) => (row[i] ?? '').length)))
    const lines = [...head, ...rows].map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths?.[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    return head.length === 0 ? lines : [colors.dim(lines[0] ?? ''), ...lines.slice(1)]
  }
}

export function describeLabels(labels: TenantItem['labels']): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ')
}

/** How many there were, and the next page. */
export function endTenantList(
  count: number,
  next: string | null,
  isFiltered: boolean,
  { shell, quiet, colors }: PrintStyle,
): string[] {
  if (count === 0) {
    return isFiltered
      ? ['No tenant is like that.']
      : [
          `The registry has no tenants yet. \`${shell} tenants add <slug>\` or \`${shell} tenants import <file>\` adds some.`,
        ]
  }
  if (quiet) return []
  const more = next === null ? '' : `; \`--after ${quoteWord(next)}\` shows those that follow`
  return ['', colors.dim(`${next === null ? plural(count, 'tenant') : `the first ${formatCount(count)}`}${more}`)]
}
