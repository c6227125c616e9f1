import { EventEmitter } from 'node:events'
import type { Client, Submittable } from 'pg'
import type { CodeLine, Sender } from './code-line.ts'

type Callback = (error: unknown, result?: unknown) => void
type Parser = (value: string) => unknown

/** Looks like a `pg.Client` that is connected, and never connects, ends or is released. */
export class CodeClient extends EventEmitter implements Sender {
  endedBadly = false
  // Not `#private`: what is made with this as its prototype must work, too.
  private readonly line: CodeLine
  private readonly client: Client
  /** Parsers that the tool sets are its own affair: the session outlasts it. */
  private readonly parsers = new Map<string, Parser>()

  constructor(line: CodeLine, client: Client) {
    super()
    this.line = line
    this.client = client
    this.setMaxListeners(0)
  }

  get database(): string | undefined {
    return this.client.database
  }

  get processID(): number | null {
    return (this.client as unknown as { processID: number | null }).processID
  }

  query(config: unknown, values?: unknown, callback?: unknown): unknown {
    if (config === null || config === undefined) throw new TypeError('Client was passed a null or undefined query')
    const back = [values, callback].find((one) => typeof one === 'function') as Callback | undefined
    if (isSubmittable(config)) {
      if (back !== undefined) config.callback ??= back
      const { text, values: given } = config.cursor ?? config
      this.line.pass(config, typeof text === 'string' ? text : '', given)
      return config
    }
    const {
      text,
      values: own,
      callback: called,
      ...rest
    } = typeof config === 'string' ? { text: config } : asRecord(config)
    const given = Array.isArray(values) ? values : Array.isArray(own) ? own : null
    const types = rest.types ?? (this.parsers.size === 0 ? undefined : this)
    const result = this.line.run(this, {
      text: String(text ?? ''),
      values: given,
      config: types === undefined ? rest : { ...rest, types },
    })
    const answer = back ?? (typeof called === 'function' ? (called as Callback) : undefined)
    if (answer === undefined) return result
    // What a callback throws is nobody's rejection: as with the driver, it is an uncaught error of its own.
    result.then(
      (value) => process.nextTick(answer, null, value),
      (error: unknown) => process.nextTick(answer, error),
    )
    return undefined
  }

  connect(callback?: Callback): Promise<this> | undefined {
    return settle(this, callback)
  }

  end(callback?: Callback): Promise<this> | undefined {
    return settle(this, callback)
  }

  release(): void {}

  ref(): void {}
  unref(): void {}

  escapeIdentifier(text: string): string {
    return this.client.escapeIdentifier(text)
  }

  escapeLiteral(text: string): string {
    return this.client.escapeLiteral(text)
  }

  setTypeParser(oid: number, format: string | Parser, parser?: Parser): void {
    if (typeof format === 'function') this.parsers.set(`${oid} text`, format)
    else if (parser !== undefined) this.parsers.set(`${oid} ${format}`, parser)
  }

  getTypeParser(oid: number, format = 'text'): Parser {
    return (
      this.parsers.get(`${oid} ${format}`) ??
      (this.client as unknown as { getTypeParser(oid: number, format: string): Parser }).getTypeParser(oid, format)
    )
  }
}

function settle<T>(value: T, callback?: Callback): Promise<T> | undefined {
  if (callback === undefined) return Promise.resolve(value)
  process.nextTick(callback, null, value)
  return undefined
}

/** Query objects of the driver's family: cursors, streams, COPY. */
interface QueryObject extends Submittable {
  text?: unknown
  values?: unknown
  callback?: unknown
  cursor?: { text?: unknown; values?: unknown }
}

function isSubmittable(config: unknown): config is QueryObject {
  return typeof (config as { submit?: unknown }).submit === 'function'
}

function asRecord(config: unknown): Record<string, unknown> {
  return config as Record<string, unknown>
}
