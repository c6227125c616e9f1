import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { TenantryError } from '../../model/errors.ts'
import type { FormatOptions } from '../../model/format.ts'
import { findNearest } from '../find-nearest.ts'
import { findValue, importCode } from '../import-code.ts'
import { showPath } from '../list-folder.ts'

/** What a `drizzle.config` says about its migrations. Where it connects to is not kept. */
export interface DrizzleConfig {
  /** For messages: relative to the project. */
  shown: string
  /** Absolute folder of the migrations. */
  out: string
  table: string | null
  schema: string | null
  /** How drizzle-kit numbers new files. */
  prefix: string | null
}

const names = ['ts', 'js', 'json', 'mts', 'cts', 'mjs', 'cjs'].map((ending) => `drizzle.config.${ending}`)

/** The folder that the project's own `drizzle.config` names, read as text; null: there is no such file. Nothing is run. */
export async function findOut(root: string): Promise<string | null> {
  const found = await findIn(root)
  return found === null ? null : outOf(found.path, found.text)
}

/**
 * What is said about these folders by the nearest `drizzle.config`, from them up to the project; null: nothing. It is
 * imported only where it says something about the history table; where that fails, plain texts in it are believed. Throws
 * MIGRATIONS_UNREADABLE where neither tells what the table is called.
 */
export async function readDrizzleConfig(options: FormatOptions): Promise<DrizzleConfig | null> {
  const found = await findNearest(options, findIn)
  if (found === null) return null
  const { path, text } = found
  const out = outOf(path, text)
  if (!options.dirs.some((dir) => resolve(dir) === out)) return null
  const config = { shown: showPath(options.root, path), out, table: null, schema: null, prefix: null }
  const bare = text.replaceAll(/\/\*[\s\S]*?\*\/|(^|[^:])\/\/[^\n]*/g, '$1')
  if (!/\bmigrations\b["']?\s*:/.test(bare)) return config
  const said = await importMigrations(path, config.shown, bare)
  const word = (value: unknown) => (typeof value === 'string' && value !== '' ? value : null)
  return { ...config, table: word(said.table), schema: word(said.schema), prefix: word(said.prefix) }
}

async function importMigrations(path: string, shown: string, text: string): Promise<Record<string, unknown>> {
  try {
    const all = path.endsWith('.json') ? JSON.parse(text) : await importCode({ path, shown })
    const said = path.endsWith('.json') ? all.migrations : findValue(all, 'migrations')
    return typeof said === 'object' && said !== null ? (said as Record<string, unknown>) : {}
  } catch (error) {
    // It may want variables, or drizzle-kit, that are not there where migrations are run.
    const block = /\bmigrations\b["']?\s*:\s*\{([^{}]*)\}/.exec(text)?.[1]
    const parts = block?.split(',').filter((part) => part.trim() !== '') ?? null
    const pairs = parts?.map((part) => /^\s*["']?(\w+)["']?\s*:\s*(['"`])([^'"`$]*)\2\s*$/.exec(part)) ?? [null]
    if (pairs.every((pair) => pair !== null)) return Object.fromEntries(pairs.map(([, key, , value]) => [key, value]))
    throw new TenantryError(
      'MIGRATIONS_UNREADABLE',
      `${shown} says something about the history table, and cannot be read: ${(error as Error).message}`,
      {
        hint: 'Write `migrations: { table, schema }` in it as plain texts, or set what it needs to be imported.',
        context: { file: shown },
      },
    )
  }
}

function outOf(path: string, text: string): string {
  const out = /\bout\b["']?\s*:\s*(['"`])([^'"`$]+)\1/.exec(text)?.[2] ?? './drizzle'
  return resolve(dirname(path), out)
}

async function findIn(dir: string): Promise<{ path: string; text: string } | null> {
  for (const name of names) {
    const path = join(dir, name)
    const text = await readFile(path, 'utf8').catch(() => null)
    if (text !== null) return { path, text }
  }
  return null
}
