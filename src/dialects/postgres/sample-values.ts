import {
  readHints,
  type SampleHints,
  type SampleSpot,
  sampleDay,
  sampleDecimal,
  sampleInteger,
  sampleText,
  sampleTime,
  sampleUuid,
} from '../sample-values.ts'
import { quoteLiteral } from './quote.ts'

/** A column's type with its domain taken off. */
export interface SampleType {
  /** `int4`, `varchar`, … as the catalog calls it; of an array, its element. */
  base: string
  /** `S`, `N`, `E`, … */
  category: string
  isArray: boolean
  /** The catalog's modifier; -1: none. */
  modifier: number
  labels: readonly string[] | null
  checks: readonly string[]
}

/** The n-th value of a type as a literal; null: nothing is known of the type. */
export function sampleValue(type: SampleType, spot: SampleSpot): string | null {
  const hints = readHints(type.checks)
  const text = type.labels === null ? textOf(type, spot, hints) : (type.labels[spot.n % type.labels.length] ?? null)
  if (text === null) return null
  if (!type.isArray) return quoteLiteral(text)
  return quoteLiteral(`{"${text.replaceAll(/["\\]/g, '\\$&')}"}`)
}

const unlimited = 1000

function textOf({ base, category, modifier }: SampleType, spot: SampleSpot, hints: SampleHints): string | null {
  const { n } = spot
  switch (base) {
    case 'bool':
      return n % 2 === 0 ? 'true' : 'false'
    case 'int2':
      return sampleInteger(spot, 16, hints)
    case 'int4':
    case 'int8':
    case 'oid':
      return sampleInteger(spot, 32, hints)
    case 'numeric':
      return modifier < 4
        ? sampleDecimal(spot, 9, 2, hints)
        : sampleDecimal(spot, (modifier - 4) >> 16, (modifier - 4) & 0x7ff, hints)
    case 'float4':
    case 'float8':
    case 'money':
      return sampleDecimal(spot, 6, 2, hints)
    case 'varchar':
    case 'bpchar':
      return sampleText(spot, modifier < 5 ? (base === 'bpchar' ? 1 : unlimited) : modifier - 4, hints)
    case 'name':
      return sampleText(spot, 60, hints)
    case 'char':
      return sampleText(spot, 1, hints)
    case 'date':
      return sampleDay(spot)
    case 'timestamp':
    case 'timestamptz':
      return `${sampleDay(spot)} ${sampleTime(spot)}${base === 'timestamptz' ? '+00' : ''}`
    case 'time':
      return sampleTime(spot)
    case 'timetz':
      return `${sampleTime(spot)}+00`
    case 'interval':
      return `${n + 1} hours`
    case 'uuid':
      return sampleUuid(spot)
    case 'json':
    case 'jsonb':
      return `{"sample": ${n + 1}}`
    case 'jsonpath':
      return `$."sample${n + 1}"`
    case 'bytea':
      return `\\x5a${(n % 65_536).toString(16).padStart(4, '0')}`
    case 'bit':
    case 'varbit': {
      const length = modifier > 0 ? modifier : base === 'bit' ? 1 : 8
      return (n + 1).toString(2).slice(-length).padStart(length, '0')
    }
    case 'inet':
    case 'cidr':
      return `10.${(n >> 8) % 256}.${n % 256}.${base === 'cidr' ? '0/24' : '1'}`
    case 'macaddr':
      return `02:00:00:00:${hex(n >> 8)}:${hex(n)}`
    case 'macaddr8':
      return `02:00:00:ff:fe:00:${hex(n >> 8)}:${hex(n)}`
    case 'xml':
      return `<sample>${n + 1}</sample>`
    case 'tsvector':
    case 'tsquery':
      return `sample${n + 1}`
    case 'point':
      return `(${n},1)`
    case 'box':
    case 'lseg':
    case 'path':
      return `((${n},0),(${n + 1},1))`
    case 'polygon':
      return `((${n},0),(${n + 1},1),(${n},1))`
    case 'circle':
      return `<(${n},0),1>`
    case 'line':
      return `{1,-1,${n}}`
    case 'int4range':
    case 'int8range':
    case 'numrange':
      return `[${n * 10},${n * 10 + 5})`
    case 'daterange':
      return `[${sampleDay({ ...spot, n: n * 2 })},${sampleDay({ ...spot, n: n * 2 + 1 })})`
    case 'tsrange':
    case 'tstzrange':
      return `[${sampleDay({ ...spot, n: n * 2 })} 00:00,${sampleDay({ ...spot, n: n * 2 + 1 })} 00:00)`
    case 'hstore':
      return `sample=>${n + 1}`
    case 'ltree':
      return `sample.n${n + 1}`
    default:
      return category === 'S' ? sampleText(spot, unlimited, hints) : null
  }
}

const hex = (n: number) => (n % 256).toString(16).padStart(2, '0')
