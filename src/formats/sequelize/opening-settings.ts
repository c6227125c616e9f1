import type { DialectName } from '../../model/server.ts'

type Settings = Readonly<Record<string, unknown>>

/**
 * What Sequelize itself sends when it has connected: its time zone above all, without which dates in raw SQL would
 * mean something else.
 * Sources: `connection-manager.js` of its dialects.
 */
export function openingSettings(dialect: DialectName, settings: Settings): string[] {
  // There it switches foreign keys on, as every session of ours does, and keeps dates in UTC.
  if (dialect === 'sqlite') return []
  const zone = settings.keepDefaultTimezone === true ? null : text(settings.timezone, '+00:00')
  if (dialect === 'mysql') return zone === null ? [] : [`SET time_zone = '${asOffset(zone)}'`]
  const options = isRecord(settings.dialectOptions) ? settings.dialectOptions : {}
  const statements: string[] = []
  if (settings.standardConformingStrings !== false) statements.push('SET standard_conforming_strings=on')
  const messages = text(options.clientMinMessages ?? settings.clientMinMessages, 'warning')
  if (settings.clientMinMessages !== false && messages.toLowerCase() !== 'ignore' && /^\w+$/.test(messages)) {
    statements.push(`SET client_min_messages TO ${messages}`)
  }
  if (zone !== null) {
    const isOffset = /^[+-]\d\d?:\d\d$/.test(zone)
    const value = `'${zone.replaceAll("'", "''")}'`
    statements.push(isOffset ? `SET TIME ZONE INTERVAL ${value} HOUR TO MINUTE` : `SET TIME ZONE ${value}`)
  }
  return statements
}

/** MySQL need not know names of zones; Sequelize gives it what they are from UTC now. */
function asOffset(zone: string): string {
  if (/^[+-]\d\d?:\d\d$/.test(zone)) return zone
  try {
    const parts = new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'longOffset' }).formatToParts()
    const name = parts.find(({ type }) => type === 'timeZoneName')?.value ?? 'GMT'
    return name === 'GMT' ? '+00:00' : name.replace('GMT', '')
  } catch {
    return '+00:00'
  }
}

function text(value: unknown, fallback: string): string {
  return typeof value === 'string' && value !== '' ? value : fallback
}

function isRecord(value: unknown): value is Settings {
  return typeof value === 'object' && value !== null
}
