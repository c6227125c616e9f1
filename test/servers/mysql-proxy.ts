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
  /** Cuts the connection that first sends this very statement by itself. Settles when it was cut and is over. */
  cutAt(statement: string, cut: MysqlCut): Promise<void>
  stop(): Promise<void>
}

/** A COM_QUERY packet: three bytes of length, a number, the command, the text. */
function isQuery(chunk: Buffer, statement: string): boolean {
  return chunk[4] === 3 && chunk.subarray(5).toString('utf8') === statement
}

/** Only for connections without TLS. Statements longer than one chunk of the socket are not recognised. */
export async function startMysqlProxy(target: { host: string; port: number }): Promise<MysqlProxy> {
  const open = new Set<Socket>()
  let pending: { statement: string; cut: MysqlCut; done: () => void } | null = null
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
      if (pending === null || !isQuery(chunk, pending.statement)) {
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
      // The answer is there, so the server is done with it.
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
    cutAt: (statement, cut) =>
      new Promise((resolve) => {
        pending = { statement, cut, done: resolve }
      }),
    async stop() {
      for (const socket of open) socket.destroy()
      server.close()
    },
  }
}
