import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Selectors } from '../model/report.ts'

/** Flags that every command takes, before or after its name. */
export interface GlobalFlags {
  config?: string
  env?: string
  json?: boolean
  logFormat: 'text' | 'json'
  quiet?: boolean
  verbose?: boolean
  color: boolean
  concurrency?: number
  yes?: boolean
}

/** Flags that choose tenants; the same for every command that takes them. */
export interface SelectorFlags {
  tenant?: string[]
  tenantId?: string[]
  label?: string[]
  server?: string[]
  exclude?: string[]
  percent?: number
  limit?: number
  set?: string[]
  shard?: { index: number; of: number }
}

export function addGlobalFlags(program: Command): void {
  program
    .option('--config <file>', 'config file; default: tenantry.config.* found upwards from here')
    .option('--env <name>', 'part of the config to use; default: TENANTRY_ENV, then NODE_ENV')
    .option('--json', 'print one JSON document on stdout and nothing else there')
    .addOption(
      new Option('--log-format <format>', 'progress on stderr: for people, or a JSON event per line')
        .choices(['text', 'json'])
        .default('text'),
    )
    .option('--quiet', 'no progress; only what failed and the last line')
    .option('--verbose', 'more detail: every migration as it ends, reasons, all notices, stacks')
    .option('--no-color', 'no colors (also: NO_COLOR)')
    .option('--concurrency <n>', 'most targets at once in the whole fleet', parseCount)
    .option('--yes', 'answer confirmations with yes (does not stand for --allow-data-loss)')
}

export function addSelectors(command: Command): Command {
  return command
    .option('--tenant <tenant>', 'id, slug, or unique schema or database name; repeatable', collect)
    .option('--tenant-id <tenant>', 'the same as --tenant', collect)
    .option('--label <key=value>', 'tenants with this label; repeatable, all must match', collectLabel)
    .option('--server <name>', 'tenants on this server; repeatable', collect)
    .option('--exclude <tenant>', 'all but this one; repeatable', collect)
    .option('--percent <n>', 'a share of the targets, the same ones every time', parsePercent)
    .option('--limit <n>', 'at most this many targets', parseCount)
    .option('--set <name>', 'this set of migrations only; repeatable', collect)
    .option('--shard <i/n>', 'the i-th of n equal parts of the fleet', parseShard)
}

/** Positional tenants and `--tenant` mean the same and add up. */
export function readSelectors(tenants: readonly string[], flags: SelectorFlags): Selectors {
  const all = [...tenants, ...(flags.tenant ?? []), ...(flags.tenantId ?? [])]
  return {
    ...(all.length > 0 && { tenants: all }),
    ...(flags.label && { labels: flags.label }),
    ...(flags.server && { servers: flags.server }),
    ...(flags.exclude && { exclude: flags.exclude }),
    ...(flags.percent !== undefined && { percent: flags.percent }),
    ...(flags.limit !== undefined && { limit: flags.limit }),
    ...(flags.set && { sets: flags.set }),
    ...(flags.shard && { shard: flags.shard }),
  }
}

export function collect(value: string, previous: readonly string[] | undefined): string[] {
  if (value === '') throw new InvalidArgumentError('It is empty.')
  return [...(previous ?? []), value]
}

export function collectLabel(value: string, previous: readonly string[] | undefined): string[] {
  if (!/^[^=]+=/.test(value)) throw new InvalidArgumentError('Write it as key=value.')
  return collect(value, previous)
}

/** A whole number from 1. */
export function parseCount(value: string): number {
  const count = wholeNumber(value)
  if (count === null || count < 1) throw new InvalidArgumentError('It takes a whole number from 1.')
  return count
}

export function parsePercent(value: string): number {
  const percent = /^\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN
  if (!(percent >= 1 && percent <= 100)) throw new InvalidArgumentError('It takes a number from 1 to 100.')
  return percent
}

export function parseShard(value: string): { index: number; of: number } {
  const [, i = '', n = ''] = /^(\d+)\/(\d+)$/.exec(value) ?? []
  const index = wholeNumber(i)
  const of = wholeNumber(n)
  if (index === null || of === null || index < 1 || index > of) {
    throw new InvalidArgumentError('Write it as i/n with i from 1 to n, such as 2/4.')
  }
  return { index, of }
}

/** `2` or `5%`; `0`: the first failure starts nothing new. */
export function parseMaxFailures(value: string): { count: number } | { percent: number } {
  const share = /^(\d+(?:\.\d+)?)%$/.exec(value)?.[1]
  if (share !== undefined && Number(share) <= 100) return { percent: Number(share) }
  const count = wholeNumber(value)
  if (count === null) throw new InvalidArgumentError('It takes a number such as 2, or a share such as 5%.')
  return { count }
}

export function parseSeconds(value: string): number {
  const count = wholeNumber(value)
  if (count === null || count > 86_400) throw new InvalidArgumentError('It takes a number of seconds, up to a day.')
  return count
}

function wholeNumber(value: string): number | null {
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN
  return Number.isSafeInteger(number) ? number : null
}
