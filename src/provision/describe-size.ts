import type { PlaceSize } from '../model/tenant-report.ts'

/** `14 tables, about 1,200 rows, 8.2 MB`. */
export function describeSize(size: PlaceSize | null): string {
  if (size === null) return 'it is gone already, only its line in the registry is left'
  const { tables, rowsEstimate, bytes } = size
  return [
    `${tables.toLocaleString('en-US')} ${tables === 1 ? 'table' : 'tables'}`,
    ...(rowsEstimate === null ? [] : [`about ${rowsEstimate.toLocaleString('en-US')} rows`]),
    ...(bytes === null ? [] : [describeBytes(bytes)]),
  ].join(', ')
}

function describeBytes(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB']
  const power = bytes < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3))
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`
}
