import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

const reporter = new URL('./report-memory.mjs', import.meta.url).href
const cpuReporter = new URL('./report-cpu.mjs', import.meta.url).href

/**
 * Runs Node as a process of its own, waited for.
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: object, exits?: readonly number[] }} [options] `exits`: codes that are no failure
 * @returns {Promise<{ ms: number, stdout: string }>} wall time, start to exit
 * @throws when it exits with another code, with what it wrote
 */
export function runNode(args, { cwd = tmpdir(), env = {}, exits = [0] } = {}) {
  return new Promise((resolve, reject) => {
    const start = process.hrtime.bigint()
    const child = spawn(process.execPath, args, { cwd, env: { ...plainEnvironment(), ...env } })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (bytes) => {
      stdout += bytes
    })
    child.stderr.on('data', (bytes) => {
      stderr = (stderr + bytes).slice(-4000)
    })
    child.once('error', reject)
    child.once('close', (code) => {
      const ms = Number(process.hrtime.bigint() - start) / 1e6
      if (exits.includes(code)) resolve({ ms, stdout })
      else reject(new Error(`node ${args.join(' ')} ended with ${code}: ${stderr || stdout.slice(-2000)}`))
    })
  })
}

/**
 * The most memory a Node process had at any time, as the kernel counted it.
 * @returns {Promise<{ peakMb: number, ms: number }>}
 */
export async function measurePeak(args, { cwd } = {}) {
  const file = path.join(tmpdir(), `tenantry-bench-${randomUUID()}`)
  try {
    const { ms } = await runNode(['--import', reporter, ...args], { cwd, env: { BENCH_MEMORY_FILE: file } })
    return { peakMb: Number(await readFile(file, 'utf8')) / 1024, ms }
  } finally {
    await rm(file, { force: true })
  }
}

/**
 * Wall time and processor time of a Node process, without those of its own children.
 * @returns {Promise<{ ms: number, stdout: string, cpuMs: { user: number, system: number } }>}
 */
export async function measureCpu(args, { cwd, exits } = {}) {
  const file = path.join(tmpdir(), `tenantry-bench-${randomUUID()}`)
  try {
    const ended = await runNode(['--import', cpuReporter, ...args], { cwd, env: { BENCH_CPU_FILE: file }, exits })
    return { ...ended, cpuMs: JSON.parse(await readFile(file, 'utf8')) }
  } finally {
    await rm(file, { force: true })
  }
}

/** Nothing of the caller's settings decides what a process under measurement does. */
function plainEnvironment() {
  const foreign = /^(TENANTRY_|DB_|PG|NODE_|DATABASE_URL$|npm_)/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)))
}
