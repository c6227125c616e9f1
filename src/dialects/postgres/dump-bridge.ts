import type { Client } from 'pg'

interface Raw {
  connection: {
    stream: NodeJS.ReadWriteStream & { removeAllListeners(event: string): void }
    on(event: string, listener: (message: { parameterName: string; parameterValue: string }) => void): void
  }
}

/** What the server told of its settings at connect; a program that speaks the protocol is told the same. */
export function recordParameters(client: Client): Map<string, string> {
  const parameters = new Map<string, string>()
  const { connection } = client as unknown as Raw
  connection.on('parameterStatus', ({ parameterName, parameterValue }) => {
    parameters.set(parameterName, parameterValue)
  })
  return parameters
}

const sslRequest = 80877103
const gssRequest = 80877104

/**
 * Lends the open, idle session of a client to somebody who speaks the protocol from its beginning: greetings are
 * answered here, all else goes to the server. The driver has no part in it any more.
 */
export class ProtocolBridge {
  readonly #stream: Raw['connection']['stream']
  readonly #parameters: ReadonlyMap<string, string>
  #sent: Buffer = Buffer.alloc(0)
  #greeted = false
  #answer: Buffer[] = []
  #rest: Buffer = Buffer.alloc(0)
  #settle: { resolve(bytes: Buffer): void; reject(error: Error): void } | null = null

  constructor(client: Client, parameters: ReadonlyMap<string, string>) {
    this.#parameters = parameters
    this.#stream = (client as unknown as Raw).connection.stream
    this.#stream.removeAllListeners('data')
    this.#stream.on('data', (chunk: Buffer) => this.#receive(chunk))
    const lost = () => this.#settle?.reject(new Error('the connection broke while the schema was dumped'))
    this.#stream.on('error', lost)
    this.#stream.on('close', lost)
  }

  /** Bytes of one or more messages; gives the whole answer. */
  async send(bytes: Uint8Array): Promise<Buffer> {
    this.#sent = Buffer.concat([this.#sent, bytes])
    const answers: Buffer[] = []
    for (let message = this.#next(); message !== null; message = this.#next()) {
      const greeting = this.#greeted ? null : this.#greet(message)
      answers.push(greeting ?? (await this.#ask(message)))
    }
    return Buffer.concat(answers)
  }

  /** The next whole message; before the greeting is over messages have no letter. */
  #next(): Buffer | null {
    const at = this.#greeted ? 1 : 0
    if (this.#sent.length < at + 4) return null
    const length = at + this.#sent.readInt32BE(at)
    if (this.#sent.length < length) return null
    const message = this.#sent.subarray(0, length)
    this.#sent = this.#sent.subarray(length)
    return message
  }

  #greet(message: Buffer): Buffer {
    const code = message.readInt32BE(4)
    if (code === sslRequest || code === gssRequest) return Buffer.from('N')
    this.#greeted = true
    const status = [...this.#parameters].map(([name, value]) => frame('S', Buffer.from(`${name}\0${value}\0`)))
    return Buffer.concat([
      frame('R', Buffer.alloc(4)),
      ...status,
      frame('K', Buffer.alloc(8)),
      frame('Z', Buffer.from('I')),
    ])
  }

  /** Only queries of the simple protocol are answered up to "ready"; a goodbye is not passed on. */
  #ask(message: Buffer): Promise<Buffer> {
    const letter = String.fromCharCode(message[0] ?? 0)
    if (letter === 'X') return Promise.resolve(Buffer.alloc(0))
    if (letter !== 'Q')
      return Promise.reject(new Error(`a message "${letter}" was not expected while a schema is dumped`))
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
      this.#stream.write(message)
    })
  }

  #receive(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let at = 0
    while (this.#rest.length - at >= 5) {
      const end = at + 1 + this.#rest.readInt32BE(at + 1)
      if (end > this.#rest.length) break
      const isReady = this.#rest[at] === 0x5a
      at = end
      if (!isReady) continue
      this.#answer.push(this.#rest.subarray(0, at))
      this.#rest = this.#rest.subarray(at)
      at = 0
      const settle = this.#settle
      const answer = Buffer.concat(this.#answer)
      this.#answer = []
      this.#settle = null
      settle?.resolve(answer)
    }
    if (at === 0) return
    this.#answer.push(this.#rest.subarray(0, at))
    this.#rest = this.#rest.subarray(at)
  }
}

function frame(letter: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.write(letter, 0, 'latin1')
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}
