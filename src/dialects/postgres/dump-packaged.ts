import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { MessageChannel, Worker } from 'node:worker_threads'
import type { Client } from 'pg'
import { ProtocolBridge, recordParameters } from './dump-bridge.ts'

const packageName = '@electric-sql/pglite-tools'

/** Where the package is that holds pg_dump as WebAssembly: the project's, or ours; null: nowhere. */
export function findPackagedDump(): string | null {
  const places = [`${process.cwd()}/package.json`, import.meta.url]
  for (const place of places) {
    try {
      return pathToFileURL(createRequire(place).resolve(`${packageName}/pg_dump`)).href.replace(/\.cjs$/, '.js')
    } catch {
      // Not there; another place may have it.
    }
  }
  return null
}

/**
 * The program wants its answers at once, and blocks its thread until they are there: so it runs in a worker that sleeps
 * while this thread asks the server.
 */
const workerCode = `
const { workerData, receiveMessageOnPort } = require('node:worker_threads')
const { port, flag, module, args } = workerData
const bell = new Int32Array(flag)
const pg = {
  execProtocolRawStream(bytes, { onRawData }) {
    Atomics.store(bell, 0, 0)
    port.postMessage({ ask: Uint8Array.from(bytes) })
    Atomics.wait(bell, 0, 0)
    const { message } = receiveMessageOnPort(port)
    if (message.error !== undefined) throw new Error(message.error)
    if (message.answer.length > 0) onRawData(message.answer)
  },
  query: async () => ({ rows: [{ search_path: '' }] }),
  exec: async () => [],
}
import(module)
  .then(({ pgDump }) => pgDump({ pg, args }))
  .then((file) => file.text())
  .then((text) => port.postMessage({ text }), (error) => port.postMessage({ failed: String(error && error.message || error) }))
`

/** @param client not connected yet; ended by this */
export async function dumpPackaged(client: Client, module: string, args: readonly string[]): Promise<string> {
  const parameters = recordParameters(client)
  client.on('error', () => {})
  await client.connect()
  const bridge = new ProtocolBridge(client, parameters)
  const { port1, port2 } = new MessageChannel()
  const flag = new SharedArrayBuffer(4)
  const bell = new Int32Array(flag)
  const worker = new Worker(workerCode, {
    eval: true,
    workerData: { port: port2, flag, module, args },
    transferList: [port2],
    stdout: true,
    stderr: true,
    env: {},
  })
  try {
    return await new Promise<string>((resolve, reject) => {
      worker.on('error', reject)
      worker.on('exit', (code) => reject(new Error(`pg_dump ended with exit code ${code}`)))
      port1.on('message', (message: { ask?: Uint8Array; text?: string; failed?: string }) => {
        if (message.text !== undefined) return resolve(message.text)
        if (message.failed !== undefined) return reject(new Error(message.failed))
        const give = (reply: { answer: Uint8Array } | { error: string }) => {
          port1.postMessage(reply)
          Atomics.store(bell, 0, 1)
          Atomics.notify(bell, 0)
        }
        bridge.send(message.ask ?? new Uint8Array()).then(
          (answer) => give({ answer: Uint8Array.from(answer) }),
          (error: Error) => give({ error: error.message }),
        )
      })
    })
  } finally {
    port1.close()
    await worker.terminate()
    ;(client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy()
  }
}
