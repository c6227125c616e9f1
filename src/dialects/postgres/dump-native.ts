import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)
const known = new Map<string, Promise<number | null>>()

/** Path of a pg_dump that is new enough for a server; null: none is installed. */
export async function findNativeDump(serverVersion: number): Promise<string | null> {
  const major = Math.floor(serverVersion / 10_000)
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  // Debian keeps those of several versions side by side.
  const versions = await readdir('/usr/lib/postgresql').catch(() => [])
  folders.push(...versions.map((version) => `/usr/lib/postgresql/${version}/bin`))
  for (const folder of folders) {
    const path = join(folder, 'pg_dump')
    const version = known.get(path) ?? readMajor(path)
    known.set(path, version)
    const own = await version
    if (own !== null && own >= major) return path
  }
  return null
}

async function readMajor(path: string): Promise<number | null> {
  try {
    const { stdout } = await execute(path, ['--version'], { timeout: 10_000 })
    return Number(/(\d+)(?:\.|devel|beta|rc|\s|$)/.exec(stdout.replace(/^.*?\)/, ''))?.[1] ?? Number.NaN) || null
  } catch {
    return null
  }
}

/** @param env with what to log in with; nothing of it is among the arguments */
export async function dumpNative(
  path: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const { stdout } = await execute(path, [...args], {
    env: { ...process.env, ...env },
    maxBuffer: 1 << 30,
    encoding: 'utf8',
  })
  return stdout
}
