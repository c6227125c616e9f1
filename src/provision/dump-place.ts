import { execFile, spawn } from 'node:child_process'
import { constants, rmSync } from 'node:fs'
import { access, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, delimiter, dirname, join } from 'node:path'
import { DatabaseError } from '../model/dialect.ts'
import { TenantryError } from '../model/errors.ts'
import type { DumpRecipe, DumpSource, DumpTool } from '../model/removal.ts'

/** The program that dumps such a place here; `null`: none is installed. A dialect that needs none names itself. */
export async function findDumpProgram(source: DumpSource): Promise<string | null> {
  const recipe = recipeOf(source, { file: 'x', folder: 'x' })
  if (recipe.by === 'statement') return source.dialect.name
  return (await findProgram(recipe.programs))?.name ?? null
}

/**
 * Throws BACKUP_FAILED where it is plain beforehand that no dump could be written: no program, a file that is there, a
 * folder that is not.
 *
 * @param file absolute
 */
export async function checkDump(source: DumpSource, file: string): Promise<void> {
  const recipe = recipeOf(source, { file, folder: dirname(file) })
  if (recipe.by === 'program') await checkProgram(source, recipe)
  if (await exists(file))
    throw failed(source, `${file} is there already`, { hint: 'Name a file that is not there yet.' })
  await access(dirname(file), constants.W_OK).catch((cause) => {
    throw failed(source, `${dirname(file)} is no folder that can be written to`, { hint: 'Name another file.', cause })
  })
}

/**
 * Writes a place to a file. The file has its name only once it is whole. Throws BACKUP_FAILED with what the program said.
 *
 * @param file absolute, not there yet
 */
export async function dumpPlace(source: DumpSource, file: string): Promise<{ file: string; bytes: number }> {
  // Its extension says the format.
  const partial = join(dirname(file), `.partial-${basename(file)}`)
  const folder = await mkdtemp(join(tmpdir(), 'tenantry-dump-'))
  // Ctrl-C ends the process at once: no half of a dump may stay, and no file with a password.
  const tidy = () => {
    rmSync(partial, { force: true })
    rmSync(folder, { recursive: true, force: true })
  }
  process.once('exit', tidy)
  try {
    await rm(partial, { force: true })
    // Nobody else may read it: it is only filled from here on.
    await writeFile(partial, '', { mode: 0o600, flag: 'wx' })
    const recipe = recipeOf(source, { file: partial, folder })
    if (recipe.by === 'statement') await runStatement(source, recipe.sql)
    else await runProgram(source, recipe)
    const { size } = await stat(partial)
    if (size === 0) throw failed(source, 'the file is empty', {})
    await rename(partial, file)
    return { file, bytes: size }
  } catch (error) {
    await rm(partial, { force: true })
    throw error
  } finally {
    process.off('exit', tidy)
    await rm(folder, { recursive: true, force: true })
  }
}

function recipeOf({ dialect, server, placement }: DumpSource, to: { file: string; folder: string }): DumpRecipe {
  return dialect.removal.dump(server, placement.database, placement.schema ?? null, to)
}

async function runStatement(source: DumpSource, sql: string): Promise<void> {
  const connection = await source.connect()
  try {
    await connection.query(sql)
  } catch (cause) {
    if (cause instanceof DatabaseError) throw failed(source, cause.failure.message, { cause })
    throw cause
  } finally {
    await connection.close()
  }
}

async function runProgram(
  source: DumpSource,
  { programs, args, env, secrets }: Extract<DumpRecipe, { by: 'program' }>,
): Promise<void> {
  const program = await findProgram(programs)
  if (program === null) throw failed(source, `\`${programs.join('` or `')}\` is not installed here`, {})
  for (const { path, text } of secrets) await writeFile(path, text, { mode: 0o600, flag: 'wx' })
  const { code, said } = await new Promise<{ code: number | null; said: string }>((resolve) => {
    const child = spawn(program.path, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-20_000)
    })
    child.on('error', (error) => resolve({ code: null, said: error.message }))
    child.on('close', (exit) => resolve({ code: exit, said }))
  })
  if (code === 0) return
  const password = source.server.password?.reveal()
  // Masked whole, then cut: a cut through the password would leave a piece of it.
  const clean = (password ? said.replaceAll(password, '[secret]') : said).trim().slice(-2000)
  const versions = /version mismatch/i.test(clean)
  throw failed(source, `${program.name} ended with exit code ${code ?? 'none'}: ${clean.split('\n')[0] ?? ''}`, {
    hint: versions
      ? `Install the ${program.name} of the server's version and put it first on the PATH.`
      : 'Mend what it says, and run this again.',
    context: { output: clean },
  })
}

async function checkProgram(
  source: DumpSource,
  { programs, fits }: Extract<DumpRecipe, { by: 'program' }>,
): Promise<void> {
  const program = await findProgram(programs)
  if (program === null) {
    throw failed(source, `\`${programs.join('` or `')}\` is not installed here`, {
      hint: `Install ${programs.join(' or ')}, or dump it on another machine and leave \`--dump\` out.`,
    })
  }
  const { serverVersion } = source
  if (fits === undefined || serverVersion === undefined) return
  const said = await new Promise<string>((resolve) =>
    execFile(program.path, ['--version'], (_error, text) => resolve(text.trim())),
  )
  if (fits(said, serverVersion)) return
  throw failed(source, `${program.name} here (${said}) is older than the server`, {
    hint: `Install the ${program.name} of the server's version and put it first on the PATH.`,
  })
}

async function findProgram(names: readonly string[]): Promise<{ name: string; path: string } | null> {
  for (const name of names) {
    for (const folder of (process.env.PATH ?? '').split(delimiter)) {
      const path = join(folder, name)
      const found =
        folder !== '' &&
        (await access(path, constants.X_OK).then(
          () => true,
          () => false,
        ))
      if (found) return { name, path }
    }
  }
  return null
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  )
}

function failed(
  { consequence = 'so nothing was dropped' }: DumpSource,
  why: string,
  options: ConstructorParameters<typeof TenantryError>[2],
): TenantryError {
  return new TenantryError('BACKUP_FAILED', `The dump was not written, ${consequence}: ${why}.`, options)
}

/** For commands of lower floors. */
export const dumpTool: DumpTool = { check: checkDump, write: dumpPlace }
