import type { AddedDialect } from '../model/added-dialect.ts'
import { type Format, formatNames } from '../model/format.ts'
import type { DialectName } from '../model/server.ts'
import { type Findings, formatPath, showName } from './problem.ts'
import { textAt, type UnknownRecord } from './record.ts'
import { builtInSchemes } from './server-url.ts'

/** What a config adds to what is built in. */
export interface Added {
  formats: readonly Format[]
  dialects: readonly AddedDialect[]
}

const dialectNames: readonly DialectName[] = ['postgres', 'mysql', 'sqlite']

/**
 * Reads `formats` and `dialects`: code of the team's own, of which only the form can be checked here. What has problems is
 * left out; they are among the findings.
 */
export function readAdded(config: UnknownRecord, findings: Findings): Added {
  return {
    formats: readList(config.formats, 'formats', formatNames, checkFormat, findings) as unknown as Format[],
    dialects: readDialects(config.dialects, findings),
  }
}

/** Names that sets may use for `format` and `history.kind`, whatever else is wrong with them. */
export function addedNames(config: UnknownRecord): { formats: string[]; kinds: string[] } {
  const given = Array.isArray(config.formats) ? config.formats.filter(isObject) : []
  const words = (values: readonly unknown[]) => values.filter((value) => typeof value === 'string')
  return {
    formats: words(given.map(({ name }) => name)),
    kinds: words(given.map(({ history }) => (isObject(history) ? history.kind : undefined))),
  }
}

type Report = (key: string, message: string) => void

/** Objects of any kind, instances of a team's classes too. */
function isObject(value: unknown): value is UnknownRecord {
  return typeof value === 'object' && value !== null
}

function readList(
  value: unknown,
  key: 'formats' | 'dialects',
  builtIn: readonly string[],
  check: (one: UnknownRecord, report: Report) => void,
  findings: Findings,
): UnknownRecord[] {
  const usable: UnknownRecord[] = []
  const places = new Map<string, string>(builtIn.map((name) => [name, `the built-in ${key.slice(0, -1)}`]))
  for (const [index, one] of (Array.isArray(value) ? value : []).entries()) {
    const place = formatPath([key, index])
    const before = findings.problems.length
    const report: Report = (path, message) =>
      findings.problems.push({ path: path === '' ? place : `${place}.${path}`, message })
    if (!isObject(one)) {
      report('', `must be an object, such as ${key === 'formats' ? 'a format' : 'a dialect'} that a file exports`)
      continue
    }
    const name = textAt(one, 'name')
    if (name === undefined) report('name', 'is missing')
    else if (!/^[a-z][a-z0-9_-]*$/.test(name) || name === 'auto')
      report('name', 'must be a word of small letters, digits and dashes, and not `auto`')
    else if (places.has(name)) report('name', `${showName(name)} is taken by ${places.get(name)}; choose another one`)
    else places.set(name, place)
    check(one, report)
    if (findings.problems.length === before) usable.push(one)
  }
  return usable
}

function checkFormat(one: UnknownRecord, report: Report): void {
  for (const key of ['detect', 'load', 'template'])
    if (typeof one[key] !== 'function') report(key, 'is missing; a format has this function')
  const { history } = one
  if (!isObject(history)) {
    report('history', 'is missing; it says how the history table looks')
    return
  }
  for (const key of ['kind', 'defaultTable', 'key', 'spelling'])
    if (typeof history[key] !== 'string') report(`history.${key}`, 'must be a string')
  for (const key of ['columns', 'order']) if (!Array.isArray(history[key])) report(`history.${key}`, 'must be a list')
  for (const key of ['checksum', 'finishedAt', 'rolledBackAt', 'batch', 'nativeLock'])
    if (history[key] === undefined) report(`history.${key}`, 'is missing; `null` says that the table has none')
  if (typeof history.values !== 'function') report('history.values', 'is missing; it makes the row of a migration')
}

function readDialects(value: unknown, findings: Findings): AddedDialect[] {
  const schemes = new Map<string, string>(builtInSchemes.map((scheme) => [scheme, 'a built-in dialect']))
  const check = (one: UnknownRecord, report: Report) => {
    if (!dialectNames.some((name) => name === one.family))
      report('family', `must be one of ${dialectNames.join(', ')}: the one whose SQL it speaks`)
    if (typeof one.load !== 'function') report('load', 'is missing; it is a function that gives the dialect')
    const port = one.defaultPort
    const isPort = typeof port === 'number' && Number.isInteger(port) && port >= 1 && port <= 65_535
    if (port !== undefined && !isPort) report('defaultPort', 'must be a number from 1 to 65535')
    const given: readonly unknown[] = Array.isArray(one.schemes) ? one.schemes : []
    if (given.length === 0)
      report('schemes', "must be a list of the URL schemes that it answers to, such as `['pgtoken']`")
    for (const scheme of given) {
      if (typeof scheme !== 'string' || !/^[a-z][a-z0-9+.-]*$/.test(scheme))
        report('schemes', 'must hold schemes in small letters, without the colon')
      else if (schemes.has(scheme))
        report('schemes', `\`${scheme}:\` is taken by ${schemes.get(scheme)}; choose another one`)
      else schemes.set(scheme, `the dialect ${showName(String(one.name))}`)
    }
  }
  return readList(value, 'dialects', dialectNames, check, findings) as unknown as AddedDialect[]
}
