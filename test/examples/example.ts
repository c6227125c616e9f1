/** An example as somebody has it who copied it: its own folder, its packages, and a shell to type into. */
import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { Ended } from '../cli/run-built.ts'
import { readGuideCommands } from './guide-commands.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Example {
  /** Where its package.json is: the folder `backend`, if it has one. */
  dir: string
  /** Variables of every command. Change them as a reader would with `export`. */
  env: Record<string, string>
  /** Types a line into bash in the example's folder, and waits for its end. */
  run(line: string, env?: Readonly<Record<string, string>>): Promise<Ended>
  /** As `run`; a failing command fails the test, with what it printed. */
  ok(line: string, env?: Readonly<Record<string, string>>): Promise<Ended>
  /** Starts something that goes on, such as a server. Whoever starts it ends it; `remove` ends what is left. */
  start(line: string, env?: Readonly<Record<string, string>>): ChildProcess
  /** Writes files by their paths in the folder. */
  write(files: Readonly<Record<string, string>>): void
  read(path: string): string
  remove(): void
}

/**
 * Copies an example to a folder of its own. Its packages are those of this repository, linked: what it asks for in its
 * package.json and no more.
 */
export function openExample(name: string, env: Readonly<Record<string, string>> = {}): Example {
  const home = mkdtempSync(join(tmpdir(), `tenantry-${name}-`))
  const dir = existsSync(join(root, 'examples', name, 'backend')) ? join(home, 'backend') : home
  cpSync(join(root, 'examples', name), home, {
    recursive: true,
    filter: (path) => !['node_modules', '.tenantry'].includes(basename(path)),
  })
  linkPackages(dir)
  const running = new Set<ChildProcess>()
  const variables = { PATH: process.env.PATH ?? '', HOME: home, npm_config_update_notifier: 'false', ...env }
  const begin = (line: string, more: Readonly<Record<string, string>> = {}): ChildProcess => {
    const child = startShell(line, { cwd: dir, env: { ...variables, ...more } })
    running.add(child)
    child.once('exit', () => running.delete(child))
    return child
  }
  const run: Example['run'] = (line, more) => readToEnd(begin(line, more))
  return {
    dir,
    env: variables,
    start: begin,
    run,
    async ok(line, more) {
      const ended = await run(line, more)
      expect(`${line}: ${ended.code}${ended.code === 0 ? '' : `\n${ended.stdout}\n${ended.stderr}`}`).toBe(`${line}: 0`)
      return ended
    },
    write(files) {
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(dirname(join(dir, path)), { recursive: true })
        writeFileSync(join(dir, path), text)
      }
    },
    read: (path) => readFileSync(join(dir, path), 'utf8'),
    remove() {
      for (const { pid } of running) {
        try {
          if (pid !== undefined) process.kill(-pid, 'SIGKILL')
        } catch {
          // It has ended by itself.
        }
      }
      rmSync(home, { recursive: true, force: true })
    },
  }
}

/** Links what a package.json asks for from the packages of this repository. */
export function linkPackages(dir: string): void {
  const { dependencies = {}, devDependencies = {} } = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8'))
  const modules = join(dir, 'node_modules')
  mkdirSync(join(modules, '.bin'), { recursive: true })
  for (const name of Object.keys({ ...dependencies, ...devDependencies })) {
    const from = name === 'tenantry' ? root : join(root, 'node_modules', name)
    if (!existsSync(from)) throw new Error(`${name} is not installed in the repository.`)
    mkdirSync(dirname(join(modules, name)), { recursive: true })
    symlinkSync(from, join(modules, name))
    const { bin = {} } = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'))
    const programs: Record<string, string> = typeof bin === 'string' ? { [name.replace(/^@.*\//, '')]: bin } : bin
    for (const [program, path] of Object.entries(programs))
      symlinkSync(join(from, path), join(modules, '.bin', program))
  }
}

interface ShellOptions {
  cwd: string
  env: Record<string, string>
}

function startShell(script: string, options: ShellOptions): ChildProcess {
  // A group of its own: npm and what it starts end together.
  return spawn('bash', ['-c', script], { ...options, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
}

function readToEnd(child: ChildProcess): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const ended: Ended = { code: null, stdout: '', stderr: '' }
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (ended.stdout += text))
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (ended.stderr += text))
    child.on('error', reject)
    child.on('close', (code) => resolve({ ...ended, code }))
  })
}

/** Runs a script of bash to its end. */
export function runShell(script: string, options: ShellOptions): Promise<Ended> {
  return readToEnd(startShell(script, options))
}

/** What shows that a command of a guide does what the guide says. */
export interface GuideCase {
  /** The command as the guide writes it, or several of them. */
  command: string | readonly string[]
  /** What the guide promises of it. */
  shows: string
  /** Runs it (with real names for the guide's `<…>`) and looks into the databases. */
  check(): Promise<void>
}

/** Runs every command of an example's guide, in the order of the cases. A command without a case fails, and a case without one. */
export function describeGuide(example: string, cases: readonly GuideCase[]): void {
  describe(`the guide of ${example}`, () => {
    const listed = cases.flatMap(({ command }) => command)
    test('has no command that is not run here', () => {
      expect([...new Set(listed)].sort()).toEqual(
        readGuideCommands(example)
          .map(({ text }) => text)
          .sort(),
      )
    })
    for (const { command, shows, check } of cases) test(`${[command].flat().join(' · ')}: ${shows}`, check)
  })
}

/** A server of an example, listening on a port that it found free. */
export interface Served {
  url: string
  /** What it has printed so far. */
  output(): string
  stop(): Promise<void>
}

/** Starts a server of an example, and waits until it says which port it listens on. */
export async function serve(
  example: Example,
  line: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Served> {
  const child = example.start(line, { PORT: '0', ...env })
  let output = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (output += text))
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  await expect.poll(() => /port \d+/.test(output) || child.exitCode !== null, { timeout: 30_000 }).toBe(true)
  const port = /port (\d+)/.exec(output)?.[1]
  if (port === undefined) throw new Error(`\`${line}\` did not begin to listen:\n${output}`)
  return {
    url: `http://127.0.0.1:${port}`,
    output: () => output,
    async stop() {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGTERM')
      await ended
    },
  }
}
