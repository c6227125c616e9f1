import { EventEmitter } from 'node:events'
import { PassThrough, type Readable } from 'node:stream'
import { CodeFault } from '../../model/code.ts'
import type { Answer, CodeLine } from './code-line.ts'
import type { Client } from './driver.ts'

type Callback = (error: unknown, result?: unknown, fields?: unknown) => void
type Options = Record<string, unknown> & { sql: string }

/** What the driver's `query` and `execute` give back: events, or a stream of rows. */
class CodeCommand extends EventEmitter {
  /** Set while the statement has not been sent: rows are wanted as a stream. */
  rows: PassThrough | null = null
  streamOptions: object = {}

  constructor() {
    super()
    this.setMaxListeners(0)
  }

  stream(options: object = {}): Readable {
    this.streamOptions = options
    this.rows = new PassThrough({ ...options, objectMode: true })
    return this.rows
  }
}

/** Looks like a connection of `mysql2` with callbacks that is connected, and never connects, ends or is released. */
export class CodeClient extends EventEmitter {
  // What tools look at to see whether it is alive.
  readonly state = 'authenticated'
  readonly stream = { destroyed: false }
  readonly config: object
  readonly authorized = true
  // Not `#private`: what is made with this as its prototype must work, too.
  private readonly line: CodeLine
  private readonly client: Client

  constructor(line: CodeLine, client: Client, database: string) {
    super()
    this.line = line
    this.client = client
    // The driver's own holds the password.
    this.config = { database }
    this.setMaxListeners(0)
  }

  get threadId(): number {
    return this.client.threadId as number
  }

  query(sql: unknown, values?: unknown, callback?: unknown): CodeCommand {
    return this.send('query', sql, values, callback)
  }

  execute(sql: unknown, values?: unknown, callback?: unknown): CodeCommand {
    return this.send('execute', sql, values, callback)
  }

  beginTransaction(callback?: Callback): CodeCommand {
    return this.query('START TRANSACTION', callback)
  }

  commit(callback?: Callback): CodeCommand {
    return this.query('COMMIT', callback)
  }

  rollback(callback?: Callback): CodeCommand {
    return this.query('ROLLBACK', callback)
  }

  ping(callback?: Callback): void {
    if (callback) process.nextTick(callback, null)
  }

  connect(callback?: Callback): void {
    if (callback) process.nextTick(callback, null)
  }

  end(callback?: Callback): void {
    if (callback) process.nextTick(callback, null)
  }

  release(): void {}
  destroy(): void {}
  pause(): void {}
  resume(): void {}

  changeUser(): never {
    throw new CodeFault('own-connection', 'it tried to go on as another user (`changeUser`)')
  }

  prepare(): never {
    throw new Error(
      '`prepare` is not offered to migrations: use `execute`, which prepares and keeps statements by itself',
    )
  }

  escape(value: unknown): string {
    return this.client.escape(value)
  }

  escapeId(value: string): string {
    return this.client.escapeId(value)
  }

  format(sql: string, values?: unknown): string {
    return this.client.format(sql, values as unknown[])
  }

  /** The driver's interface of promises. */
  promise(): object {
    const call = (method: 'query' | 'execute', sql: unknown, values?: unknown) =>
      new Promise((resolve, reject) => {
        this.send(method, sql, values, (error: unknown, result: unknown, fields: unknown) =>
          error ? reject(error) : resolve([result, fields]),
        )
      })
    const settled = async () => {}
    return {
      connection: this,
      threadId: this.threadId,
      query: (sql: unknown, values?: unknown) => call('query', sql, values),
      execute: (sql: unknown, values?: unknown) => call('execute', sql, values),
      beginTransaction: () => call('query', 'START TRANSACTION'),
      commit: () => call('query', 'COMMIT'),
      rollback: () => call('query', 'ROLLBACK'),
      escape: (value: unknown) => this.escape(value),
      escapeId: (value: string) => this.escapeId(value),
      format: (sql: string, values?: unknown) => this.format(sql, values),
      ping: settled,
      connect: settled,
      end: settled,
      release() {},
      destroy() {},
    }
  }

  private send(method: 'query' | 'execute', given: unknown, ...rest: unknown[]): CodeCommand {
    const callback = rest.find((one) => typeof one === 'function') as Callback | undefined
    const values = typeof rest[0] === 'function' ? undefined : rest[0]
    const options: Options =
      typeof given === 'string' ? { sql: given } : { ...(given as Options), sql: String((given as Options).sql ?? '') }
    if (values !== undefined) options.values = values
    const command = new CodeCommand()
    // As the driver does it: `query` writes values into the text, and `execute` sends them beside it.
    let text = options.sql
    if (method === 'query' && options.values !== undefined) {
      try {
        text = formatText(this.client, options)
      } catch (error) {
        tell(command, callback, error, null)
        return command
      }
      delete options.values
    }
    const beside = method === 'execute' ? options.values : undefined
    this.line
      .run(this, text, beside, (sql) => this.carryOut(method, { ...options, sql }, command))
      .then(
        (answer) => tell(command, callback, null, answer),
        (error: unknown) => tell(command, callback, error, null),
      )
    return command
  }

  private carryOut(method: 'query' | 'execute', options: Options, command: CodeCommand): Promise<Answer> {
    const { rows } = command
    if (rows === null) return sendText(this.client, options, method)
    // What is streamed holds the session until it was read.
    return new Promise((resolve, reject) => {
      const source = (this.client.query(options as never) as unknown as CodeCommand).stream(command.streamOptions)
      source.on('fields', (fields) => rows.emit('fields', fields))
      source.on('error', reject)
      source.on('close', () => resolve({ result: [], fields: [] }))
      rows.on('close', () => source.destroy())
      source.pipe(rows)
    })
  }
}

/** Sends a text with the driver's options. */
export function sendText(client: Client, options: Options, method: 'query' | 'execute' = 'query'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    client[method](options as never, (error: unknown, result: unknown, fields: unknown) => {
      if (error) reject(error)
      else resolve({ result, fields })
    })
  })
}

function formatText(client: Client, { sql, values, namedPlaceholders }: Options): string {
  const isNamed = namedPlaceholders === true && typeof values === 'object' && !Array.isArray(values)
  if (!isNamed) return client.format(sql, values as unknown[])
  throw new Error('named placeholders are not offered to migrations: write `?` and give the values as an array')
}

function tell(command: CodeCommand, callback: Callback | undefined, error: unknown, answer: Answer | null): void {
  // In a tick of its own: what a callback throws is nobody's rejection.
  process.nextTick(() => {
    if (error !== null) {
      if (callback) callback(error)
      else if (command.rows) command.rows.destroy(error as Error)
      else command.emit('error', error)
      return
    }
    if (callback) callback(null, answer?.result, answer?.fields)
    else if (command.rows === null) {
      command.emit('fields', answer?.fields)
      for (const row of Array.isArray(answer?.result) ? answer.result : [answer?.result]) command.emit('result', row)
    }
    command.emit('end')
  })
}
