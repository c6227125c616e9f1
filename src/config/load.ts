import { existsSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { TenantryError } from '../model/errors.ts'
import { mergeEnvironment, saysSomethingAt } from './environments.ts'
import { readVariables } from './from-variables.ts'
import { configExtensions, importConfigFile, type OwnModules } from './import-file.ts'
import { type Findings, makeConfigError, suggest } from './problem.ts'
import { type ConfigOverrides, noticeMisspeltVariables } from './read-limits.ts'
import { isRecord, type UnknownRecord } from './record.ts'
import { type ResolveContext, resolveConfig } from './resolve.ts'
import type { ResolvedConfig } from './resolved.ts'
import { findShapeProblems } from './validate.ts'

export interface LoadOptions {
  /** Where the search begins, and what `file` is relative to. */
  cwd: string
  /** `--config`. Default: TENANTRY_CONFIG, else the nearest `tenantry.config.*` upwards from `cwd`. */
  file?: string | undefined
  /** `--env`. Default: TENANTRY_ENV, else NODE_ENV. */
  environment?: string | undefined
  /** The process's variables. `.env` files are not read. */
  env: Readonly<Record<string, string | undefined>>
  overrides?: ConfigOverrides | undefined
  modules?: OwnModules | undefined
}

/**
 * Finds and reads the config, with environments, variables and flags worked in. Nothing is connected to.
 *
 * Without a file: TENANT_REGISTRY_DB_URL, else DATABASE_URL, else DB_*, and migrations in `./migrations`. `.env` files
 * are not read; `node --env-file` or the shell sets variables. A flag beats a variable beats the config, and a notice
 * says where they disagree.
 *
 * Throws CONFIG_INVALID with every problem at once, CONFIG_NOT_FOUND where nothing says what to migrate.
 */
export async function loadConfig(options: LoadOptions): Promise<ResolvedConfig> {
  const { cwd, env } = options
  const findings: Findings = { problems: [], notices: [] }
  noticeMisspeltVariables(env, findings)
  const file = chooseFile(options, findings)
  const environment = chooseEnvironment(options, findings)
  const context = { env, overrides: options.overrides ?? {}, findings }
  if (file === null) return loadFromVariables(resolve(cwd), environment, context)

  const subject = relative(cwd, file).startsWith('..') ? file : relative(cwd, file)
  const raw = await importConfigFile(file, subject, { environment: environment?.name ?? null, env }, options.modules)
  const parts = isRecord(raw) && isRecord(raw.environments) ? raw.environments : {}
  const chosen = environment === null ? null : pickEnvironment(environment, parts, findings)
  const base: unknown = isRecord(raw) ? { ...raw, environments: undefined } : raw
  const part = chosen === null ? undefined : parts[chosen]
  const merged = isRecord(base) && isRecord(part) ? mergeEnvironment(base, part) : base

  const shapeProblems = findShapeProblems(merged)
  findings.problems.push(...shapeProblems)
  if (isRecord(base)) checkOtherEnvironments(base, parts, chosen, findings)
  const title = chosen === null ? subject : `${subject} (environment ${chosen})`
  return resolveConfig(isRecord(merged) ? merged : {}, {
    ...context,
    root: dirname(file),
    file,
    environment: chosen,
    environmentAsked: environment?.name ?? null,
    subject: title,
  })
}

interface EnvironmentChoice {
  name: string
  /** `--env` or TENANTRY_ENV: it must exist. NODE_ENV is set for other reasons. */
  asked: string | null
}

function chooseFile({ cwd, file, env }: LoadOptions, findings: Findings): string | null {
  const variable = env.TENANTRY_CONFIG === '' ? undefined : env.TENANTRY_CONFIG
  if (file !== undefined && variable !== undefined && resolve(cwd, file) !== resolve(cwd, variable)) {
    findings.notices.push({
      rule: 'override',
      message: '--config is used, and TENANTRY_CONFIG, which names another file, is not.',
    })
  }
  const named = file ?? variable
  if (named === undefined) return findFile(resolve(cwd), findings)
  const path = resolve(cwd, named)
  if (isFile(path)) return path
  throw new TenantryError('CONFIG_NOT_FOUND', `There is no config file ${path}.`, {
    hint: `It was named by ${file === undefined ? 'TENANTRY_CONFIG' : '--config'}; \`tenantry init\` writes one.`,
    context: { file: path },
  })
}

function findFile(cwd: string, findings: Findings): string | null {
  for (let dir = cwd; ; dir = dirname(dir)) {
    const [first, ...others] = configExtensions
      .map((extension) => join(dir, `tenantry.config${extension}`))
      .filter(isFile)
    if (first !== undefined) {
      if (others.length > 0) {
        const names = others.map((other) => relative(dir, other)).join(', ')
        findings.notices.push({
          rule: 'config-files',
          message: `${relative(dir, first)} is used, and beside it ${names} is not.`,
        })
      }
      return first
    }
    if (dirname(dir) === dir) return null
  }
}

function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile()
}

function chooseEnvironment({ environment, env }: LoadOptions, findings: Findings): EnvironmentChoice | null {
  const variable = env.TENANTRY_ENV === '' ? undefined : env.TENANTRY_ENV
  if (environment !== undefined && variable !== undefined && environment !== variable) {
    findings.notices.push({
      rule: 'override',
      message: '--env is used, and TENANTRY_ENV, which says otherwise, is not.',
    })
  }
  if (environment !== undefined) return { name: environment, asked: '--env' }
  if (variable !== undefined) return { name: variable, asked: 'TENANTRY_ENV' }
  return env.NODE_ENV === undefined || env.NODE_ENV === '' ? null : { name: env.NODE_ENV, asked: null }
}

function pickEnvironment({ name, asked }: EnvironmentChoice, parts: UnknownRecord, findings: Findings): string | null {
  if (Object.hasOwn(parts, name)) return name
  if (asked !== null) {
    const names = Object.keys(parts)
    const known = names.length === 0 ? 'the config has no `environments`' : `there are ${names.join(', ')}`
    findings.problems.push({
      path: 'environments',
      message: `has no ${JSON.stringify(name)}, which ${asked} asks for; ${known}${suggest(name, names)}`,
    })
  }
  return null
}

/** Environments that are not asked for are checked for keys and types, not for variables: those may well be unset. */
function checkOtherEnvironments(
  base: UnknownRecord,
  parts: UnknownRecord,
  chosen: string | null,
  findings: Findings,
): void {
  for (const [name, part] of Object.entries(parts)) {
    if (name === chosen) continue
    if (!isRecord(part)) {
      findings.problems.push({ path: `environments.${name}`, message: 'must be an object' })
      continue
    }
    for (const { path, keys, message } of findShapeProblems(mergeEnvironment(base, part))) {
      if (saysSomethingAt(part, keys)) findings.problems.push({ path: `environments.${name}.${path}`, message })
    }
  }
}

function loadFromVariables(
  root: string,
  environment: EnvironmentChoice | null,
  context: Pick<ResolveContext, 'env' | 'overrides' | 'findings'>,
): ResolvedConfig {
  const { env, findings } = context
  const reading = readVariables(env, root, findings)
  const subject = 'The environment'
  if (reading === null && findings.problems.length > 0) throw makeConfigError(findings.problems, subject, null)
  if (reading === null) {
    throw new TenantryError(
      'CONFIG_NOT_FOUND',
      `No tenantry.config.* was found in ${root} or above it, and no variable names a database.`,
      {
        hint: 'Run `tenantry init` to write a config, or set DATABASE_URL, or DB_HOST, DB_NAME, DB_USER and DB_PASS.',
      },
    )
  }
  if (environment?.asked != null) {
    const message = `${environment.asked} has no effect but on the config of an adopted tool, since there is no config file with environments.`
    findings.notices.push({ rule: 'environment', message })
  }
  const environmentAsked = environment?.name ?? null
  return resolveConfig({}, { ...context, root, file: null, environment: null, environmentAsked, subject, reading })
}
