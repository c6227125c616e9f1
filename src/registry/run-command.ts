import { spawn } from 'node:child_process'
import { describeThrown } from '../model/thrown.ts'

export interface CommandOptions {
  cwd: string
  env: Readonly<Record<string, string | undefined>>
  timeoutMs: number
}

/** What a command wrote, or why there is nothing, in words that hold nothing of what it wrote to standard output. */
export type CommandOutput = { output: Buffer; problem: null } | { output: null; problem: string }

const mostBytes = 64 * 1024

/** Runs a command by the shell for what it prints. Never rejects. After `timeoutMs` it is ended with all it started. */
export function runCommand(command: string, { cwd, env, timeoutMs }: CommandOptions): Promise<CommandOutput> {
  return new Promise((resolve) => {
    // A group of its own: what the shell started ends with it.
    const child = spawn(command, { shell: true, detached: true, cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    const chunks: Buffer[] = []
    let size = 0
    let said = ''
    let ended: string | null = null
    const end = (why: string) => {
      ended ??= why
      child.stdout.destroy()
      child.stderr.destroy()
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      } catch {
        // It has ended by itself.
      }
    }
    const timer = setTimeout(() => end(`did not end within ${timeoutMs / 1000} s`), timeoutMs)
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > mostBytes) end('printed more than 64 kB')
      else chunks.push(chunk)
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4000)
    })
    const finish = (code: number | null, failure: string | null) => {
      clearTimeout(timer)
      const output = Buffer.concat(chunks)
      if (ended === null && failure === null && code === 0) return resolve({ output, problem: null })
      const why = ended ?? failure ?? `ended with exit code ${code ?? 'none'}${quote(said, output, env)}`
      resolve({ output: null, problem: why })
    }
    child.on('error', (error: NodeJS.ErrnoException) => finish(null, `could not be started (${error.code})`))
    child.on('close', (code) => finish(code, null))
  })
}

/** The last line of its standard error, without what it printed elsewhere and without values of secret variables. */
function quote(said: string, output: Buffer, env: CommandOptions['env']): string {
  const printed = output.toString('utf8').trim()
  const clean = printed === '' ? said : said.replaceAll(printed, '[secret]')
  const last = clean.trim().split('\n').at(-1) ?? ''
  if (last === '') return ''
  return `: ${describeThrown(new Error(last), env).message.slice(0, 200)}`
}

/** The program of a command line: its arguments may hold what no message should. */
export function nameCommand(command: string): string {
  const [program = '', ...rest] = command.trim().split(/\s+/)
  // `NAME=value program` shows no value either.
  const name = program.includes('=') ? `${program.split('=')[0]}=` : program.slice(0, 60)
  return rest.length === 0 && !program.includes('=') ? name : `${name} …`
}
