import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Prisma makes a shadow database and plays every migration on it, which takes a while in large projects. */
const mostWaitMs = 180_000

/** What is kept of the end of its output. */
const mostOutput = 20_000

export type PrismaAnswer =
  | { outcome: 'made'; folder: string }
  /** `said`: its last words, without credentials. */
  | { outcome: 'failed'; said: string }
  | { outcome: 'absent' }

/**
 * Has the project's own Prisma compare schema and migrations and write the next one (`prisma migrate dev
 * --create-only`). Looked for as Node looks for packages, upwards from the migrations; never downloaded. Its standard
 * input is ours: without a terminal Prisma refuses.
 */
export async function askPrisma(dir: string, name: string): Promise<PrismaAnswer> {
  const program = findProgram(dir)
  if (program === null) return { outcome: 'absent' }
  const before = new Set(listNames(dir))
  const schema = join(dirname(dir), 'schema.prisma')
  const argv = ['migrate', 'dev', '--create-only', '--name', name, ...(existsSync(schema) ? ['--schema', schema] : [])]
  const { code, output } = await run(program, argv, findProject(dir))
  const made = listNames(dir).find((entry) => !before.has(entry) && existsSync(join(dir, entry, 'migration.sql')))
  if (made !== undefined) return { outcome: 'made', folder: join(dir, made) }
  return { outcome: 'failed', said: lastWords(output) || `it ended with exit code ${code} and made no migration` }
}

function findProgram(from: string): string | null {
  const names = process.platform === 'win32' ? ['prisma.cmd'] : ['prisma']
  for (const dir of upwards(from)) {
    const found = names.map((name) => join(dir, 'node_modules', '.bin', name)).find(existsSync)
    if (found !== undefined) return found
  }
  return null
}

/** The folder of the nearest package.json: Prisma reads `.env` and its own config from where it is started. */
function findProject(from: string): string {
  return upwards(from).find((dir) => existsSync(join(dir, 'package.json'))) ?? dirname(from)
}

function upwards(from: string): string[] {
  return dirname(from) === from ? [from] : [from, ...upwards(dirname(from))]
}

function listNames(dir: string): string[] {
  return existsSync(dir) ? readdirSync(dir).sort() : []
}

function run(program: string, argv: readonly string[], cwd: string): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const shell = process.platform === 'win32'
    const words = shell ? argv.map((word) => `"${word}"`) : argv
    const child: ChildProcess = spawn(shell ? `"${program}"` : program, [...words], {
      cwd,
      shell,
      stdio: ['inherit', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1', PRISMA_HIDE_UPDATE_MESSAGE: '1' },
    })
    let output = ''
    const keep = (chunk: Buffer) => {
      output = (output + chunk.toString('utf8')).slice(-mostOutput)
    }
    child.stdout?.on('data', keep)
    child.stderr?.on('data', keep)
    const timer = setTimeout(() => child.kill('SIGKILL'), mostWaitMs)
    child.on('error', (error) => {
      clearTimeout(timer)
      resolve({ code: null, output: error.message })
    })
    child.on('close', (code) => {
      clearTimeout(timer)
      resolve({ code, output })
    })
  })
}

/** The paragraph with its error, else the last lines; whatever looks like a URL loses its user, password and options. */
function lastWords(output: string): string {
  const lines = output
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colors
    .replaceAll(/\u001b\[[\d;]*[A-Za-z]/g, '')
    .replaceAll(/\b([a-z][a-z0-9+.-]*:\/\/)[^\s"'`]*@([^\s"'`?]*)(\?[^\s"'`]*)?/gi, '$1[secret]@$2')
    .replaceAll(/\b(\w*(?:password|passwd|api_?key|token|secret)\w*\s*[=:]\s*)[^\s,;&]+/gi, '$1[secret]')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  const error = lines.findIndex((line) => /^error\b/i.test(line))
  return (error < 0 ? lines.slice(-3) : lines.slice(error, error + 4)).join(' ').slice(0, 500)
}
