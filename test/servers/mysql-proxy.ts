/** A TCP proxy in front of MariaDB that cuts one connection at an exact statement. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/**
 * - `before`: the server never gets the statement.
 * - `after`: the server carries it out, and the client hears nothing of it.
 */
export type MysqlCut = 'before' | 'after'

export interface MysqlProxy {
  port: number
  /** Messages with SQL that clients have sent so far. */
  readonly messageCount: number
  /**
   * Cuts the connection that first sends this very text in one message, or one that matches. Settles when it was cut;
   * with `after`, when the server has begun to answer.
   */
  cutAt(text: string | RegExp, cut: MysqlCut): Promise<void>
  stop(): Promise<void>
}

/** The text of a COM_QUERY packet: three bytes of length, a number, the command, the text. null: another packet. */
function readQuery(chunk: Buffer): string | null {
  return chunk[3] === 0 && chunk[4] === 3 ? chunk.subarray(5).toString('utf8') : null
}

/** Only for connections without TLS. Of a text longer than one chunk of the socket the first one is looked at. */
export async function startMysqlProxy(target: { host: string; port: number }): Promise<MysqlProxy> {
  const open = new Set<Socket>()
  let pending: { text: string | RegExp; cut: MysqlCut; done: () => void } | null = null
  let messageCount = 0
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ host: target.host, port: target.port, noDelay: true })
    let swallowing: (() => void) | null = null
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => open.delete(socket))
    }
    client.on('close', () => {
      if (swallowing === null) upstream.destroy()
    })
    client.on('data', (chunk: Buffer) => {
      const sent = readQuery(chunk)
      if (sent !== null) messageCount++
      const isIt =
        pending !== null &&
        sent !== null &&
        (pending.text instanceof RegExp ? pending.text.test(sent) : pending.text === sent)
      if (pending === null || !isIt) {
        upstream.write(chunk)
        return
      }
      const { cut, done } = pending
      pending = null
      if (cut === 'after') {
        swallowing = done
        upstream.write(chunk)
      } else upstream.destroy()
      client.resetAndDestroy()
      if (cut === 'before') done()
    })
    upstream.on('data', (chunk: Buffer) => {
      if (swallowing === null) {
        client.write(chunk)
        return
      }
      // The answer is there; what is behind it in the same message the server may still carry out.
      upstream.destroy()
      swallowing()
    })
    upstream.on('close', () => client.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The proxy has no port')
  return {
    port: address.port,
    get messageCount() {
      return messageCount
    },
    cutAt: (text, cut) =>
      new Promise((resolve) => {
        pending = { text, cut, done: resolve }
      }),
    async stop() {
      for (const socket of open) socket.destroy()
      server.close()
    },
  }
}
