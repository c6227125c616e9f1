import { request as plainRequest } from 'node:http'
import { request as secureRequest } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Row, Value } from './driver.ts'
import { headersOf, type RemotePlace } from './remote-place.ts'

/** When a step of a batch is carried out. Source: https://github.com/tursodatabase/libsql/blob/main/docs/HRANA_3_SPEC.md */
export type Condition =
  | { type: 'ok'; step: number }
  | { type: 'not'; cond: Condition }
  | { type: 'and' | 'or'; conds: readonly Condition[] }
  | { type: 'is_autocommit' }

export interface Step {
  sql: string
  values?: readonly Value[]
  wantsRows?: boolean
  /** Absent: always. */
  condition?: Condition | null
}

/** What the server said against something. */
export interface ServerError {
  message: string
  code: string
}

/** Of each step: its rows, its error, or neither where its condition did not hold. */
export interface StepResult {
  done: StepDone | null
  error: ServerError | null
}

export interface StepDone {
  rows: Row[]
  columns: string[]
  changes: number
  lastInsertRowid: number | bigint
}

/** Of one batch: an error means that the server could not read it, and carried nothing of it out. */
export type BatchResult = { steps: readonly StepResult[] } | { error: ServerError }

export interface Answer {
  /** Names the stream for the next message. */
  baton: string | null
  batches: readonly BatchResult[]
  isAutocommit: boolean
}

/** Why there is no answer. */
export class WireError extends Error {
  override readonly name = 'WireError'
  /** `unsent`: no connection came about. `lost`: it was sent, or part of it. `tls`: the certificate. Else HTTP's status. */
  readonly reason: 'unsent' | 'lost' | 'tls' | number
  /** The server's own word for it. */
  readonly code: string | null

  constructor(reason: WireError['reason'], message: string, code: string | null = null) {
    super(message)
    this.reason = reason
    this.code = code
  }
}

/** Anything that HTTP may break off at: an answer of a server is never as large. */
const mostBytes = 512 * 1024 * 1024

/**
 * A server that has more namespaces than it keeps open (`--max-active-namespaces`, 100) says of one that it is just
 * closing that it does not exist. Nothing was carried out then: so it is asked again, after these pauses.
 */
const repeatsMs = [30, 100, 250, 500, 1000]

export interface ExchangeOptions {
  /** The stream ends with this message, and what is open in it is rolled back. Default: false. */
  closes?: boolean
  /** A namespace that does not exist is what is hoped for. Default: false. */
  asksOnce?: boolean
  connectTimeoutMs: number
}

/**
 * Sends batches to a stream, all in one message, and asks whether a transaction is open after them.
 * @param baton null: a new stream
 * @throws {@link WireError}
 */
export async function exchange(
  place: RemotePlace,
  baton: string | null,
  batches: readonly (readonly Step[])[],
  { closes = false, asksOnce = false, connectTimeoutMs }: ExchangeOptions,
): Promise<Answer> {
  const requests = [
    ...batches.map((steps) => ({ type: 'batch', batch: { steps: steps.map(encodeStep) } })),
    { type: 'get_autocommit' },
    ...(closes ? [{ type: 'close' }] : []),
  ]
  const message = JSON.stringify({ baton, requests })
  let { status, text } = await post(place, message, connectTimeoutMs)
  for (const waitMs of asksOnce ? [] : repeatsMs) {
    if (status !== 404 || !/^\{"error":"Namespace /.test(text)) break
    await sleep(waitMs)
    ;({ status, text } = await post(place, message, connectTimeoutMs))
  }
  const body = parse(text)
  if (status !== 200) throw new WireError(status, describeBody(status, body, text), readCode(body))
  if (body === null || !Array.isArray(body.results))
    throw new WireError('lost', 'what answers there does not speak the protocol of libSQL (Hrana 3)')
  const results = body.results as Record<string, unknown>[]
  const state = (results[batches.length]?.response ?? {}) as { is_autocommit?: boolean }
  return {
    baton: typeof body.baton === 'string' ? body.baton : null,
    batches: results.slice(0, batches.length).map(readBatch),
    isAutocommit: state.is_autocommit ?? true,
  }
}

type Body = Record<string, unknown> | null

function parse(text: string): Body {
  try {
    const body: unknown = JSON.parse(text)
    return typeof body === 'object' ? (body as Body) : null
  } catch {
    return null
  }
}

function readCode(body: Body): string | null {
  return typeof body?.code === 'string' ? body.code : null
}

function describeBody(status: number, body: Body, text: string): string {
  const said = body?.message ?? body?.error ?? (/^[^<>]{1,300}$/.test(text.trim()) ? text.trim() : '')
  return typeof said === 'string' && said !== '' ? said : `the server answered with HTTP status ${status}`
}

/** One message and its answer. The only place where anything is sent. */
function post(place: RemotePlace, body: string, connectTimeoutMs: number): Promise<{ status: number; text: string }> {
  const { server, host, agent } = place
  const data = Buffer.from(body)
  const isSecure = server.tls !== null
  return new Promise((resolve, reject) => {
    let isConnected = false
    const sent = (isSecure ? secureRequest : plainRequest)({
      host,
      port: server.port,
      method: 'POST',
      path: '/v3/pipeline',
      agent,
      headers: { ...headersOf(place), 'content-type': 'application/json', 'content-length': data.length },
    })
    const timer = setTimeout(() => {
      sent.destroy(new Error(`no connection within ${connectTimeoutMs} ms`))
    }, connectTimeoutMs)
    const connected = () => {
      isConnected = true
      clearTimeout(timer)
      sent.end(data)
    }
    sent.on('socket', (socket) => {
      socket.setKeepAlive(true, 30_000)
      if (sent.reusedSocket || !socket.connecting) connected()
      else socket.once(isSecure ? 'secureConnect' : 'connect', connected)
    })
    sent.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer)
      const isTls = isSecure && !isConnected && (!error.syscall || /TLS|SSL|CERT/.test(error.code ?? ''))
      const isTimeout = error.message.startsWith('no connection within')
      reject(new WireError(isConnected ? 'lost' : isTls && !isTimeout ? 'tls' : 'unsent', error.message, error.code))
    })
    sent.on('response', (response) => {
      const chunks: Buffer[] = []
      let bytes = 0
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > mostBytes) sent.destroy(new Error('the answer is too large'))
        else chunks.push(chunk)
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }))
      response.on('aborted', () => reject(new WireError('lost', 'the connection ended within an answer')))
      response.on('error', (error) => reject(new WireError('lost', error.message)))
    })
  })
}

function encodeStep({ sql, values = [], wantsRows = false, condition = null }: Step) {
  const args = values.length === 0 ? {} : { args: values.map(encodeValue) }
  return { stmt: { sql, want_rows: wantsRows, ...args }, ...(condition === null ? {} : { condition }) }
}

function encodeValue(value: Value) {
  if (value === null) return { type: 'null' }
  if (typeof value === 'bigint') return { type: 'integer', value: String(value) }
  if (typeof value === 'number')
    return Number.isSafeInteger(value) ? { type: 'integer', value: String(value) } : { type: 'float', value }
  if (typeof value === 'string') return { type: 'text', value }
  return { type: 'blob', base64: Buffer.from(value).toString('base64') }
}

function readBatch(result: Record<string, unknown>): BatchResult {
  if (result.type !== 'ok') return { error: result.error as ServerError }
  const { step_results: found, step_errors: errors } = (
    result.response as { result: { step_results: unknown[]; step_errors: (ServerError | null)[] } }
  ).result
  return { steps: found.map((one, i) => ({ done: readDone(one), error: errors[i] ?? null })) }
}

interface WireRows {
  cols: { name: string | null }[]
  rows: { type: string; value?: unknown; base64?: string }[][]
  affected_row_count: number
  last_insert_rowid: string | null
}

function readDone(result: unknown): StepDone | null {
  if (result === null || result === undefined) return null
  const { cols, rows, affected_row_count: changes, last_insert_rowid: id } = result as WireRows
  const columns = cols.map(({ name }, i) => name ?? String(i))
  return {
    rows: rows.map((row) => Object.fromEntries(row.map((value, i) => [columns[i], readValue(value)]))),
    columns,
    changes,
    lastInsertRowid: Number.isSafeInteger(Number(id)) ? Number(id) : BigInt(id as string),
  }
}

/** As the drivers of files give them: see driver.ts. */
function readValue({ type, value, base64 }: WireRows['rows'][number][number]): unknown {
  if (type === 'null') return null
  if (type === 'blob') return Buffer.from(base64 ?? '', 'base64')
  if (type !== 'integer') return value
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : String(value)
}
