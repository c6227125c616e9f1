import {
  readHints,
  type SampleSpot,
  sampleDay,
  sampleDecimal,
  sampleInteger,
  sampleText,
  sampleTime,
  sampleUuid,
} from '../sample-values.ts'
import { quoteLiteral } from './quote.ts'

/** A column's type as `information_schema` tells it. */
export interface SampleType {
  /** `int`, `varchar`, … */
  base: string
  /** `int(10) unsigned`, `enum('a','b')`, … */
  full: string
  /** Characters or bytes. */
  length: number | null
  precision: number | null
  scale: number | null
  /** Conditions that name the column. */
  checks: readonly string[]
}

/** The n-th value of a type as a literal; null: nothing is known of the type. */
export function sampleValue(type: SampleType, spot: SampleSpot): string | null {
  const { base, full, n } = { ...type, n: spot.n }
  const hints = readHints(type.checks)
  const length = type.length ?? 1000
  // MariaDB's JSON is a text with a check.
  if (type.checks.some((check) => /\bjson_valid\b/i.test(check))) return quoteLiteral(`{"sample": ${n + 1}}`)
  switch (base) {
    case 'tinyint':
      return full.startsWith('tinyint(1)') && hints.numbers.length === 0 ? String(n % 2) : sampleInteger(spot, 8, hints)
    case 'smallint':
      return sampleInteger(spot, 16, hints)
    case 'mediumint':
    case 'int':
    case 'integer':
    case 'bigint':
      return sampleInteger(spot, 32, hints)
    case 'decimal':
    case 'numeric':
      return sampleDecimal(spot, type.precision ?? 10, type.scale ?? 0, hints)
    case 'float':
    case 'double':
      return sampleDecimal(spot, 6, 2, hints)
    case 'bit':
      return `b'${(n + 1).toString(2).slice(-(type.precision ?? 1))}'`
    case 'char':
    case 'varchar':
    case 'tinytext':
    case 'text':
    case 'mediumtext':
    case 'longtext':
      return quoteLiteral(sampleText(spot, Math.min(length, 1000), hints))
    case 'binary':
    case 'varbinary':
    case 'tinyblob':
    case 'blob':
    case 'mediumblob':
    case 'longblob':
      return `X'${(n + 1)
        .toString(16)
        .padStart(8, '0')
        .slice(-2 * Math.min(length, 4))}'`
    case 'date':
      return `'${sampleDay(spot)}'`
    case 'datetime':
    case 'timestamp':
      return `'${sampleDay(spot)} ${sampleTime(spot)}'`
    case 'time':
      return `'${sampleTime(spot)}'`
    case 'year':
      return String(2001 + (n % 100))
    case 'enum':
    case 'set': {
      const labels = [...full.matchAll(/'((?:[^']|'')*)'/g)].map(([, label = '']) => label.replaceAll("''", "'"))
      return quoteLiteral(labels[n % Math.max(labels.length, 1)] ?? '')
    }
    case 'json':
      return quoteLiteral(`{"sample": ${n + 1}}`)
    case 'uuid':
      return quoteLiteral(sampleUuid(spot))
    case 'inet4':
      return quoteLiteral(`10.0.${(n >> 8) % 256}.${n % 256}`)
    case 'inet6':
      return quoteLiteral(`2001:db8::${(n + 1).toString(16)}`)
    case 'geometry':
    case 'point':
      return `ST_GeomFromText('POINT(${n} 1)')`
    case 'linestring':
      return `ST_GeomFromText('LINESTRING(${n} 0, ${n + 1} 1)')`
    case 'polygon':
      return `ST_GeomFromText('POLYGON((${n} 0, ${n + 1} 0, ${n} 1, ${n} 0))')`
    default:
      return null
  }
}
