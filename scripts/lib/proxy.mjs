import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { createMysqlReaders, createMysqlReplyTracker } from './mysql-messages.mjs'
import { createMessageReader, createReplyTracker, isEncryptionRequest } from './postgres-messages.mjs'
import { openLane } from './proxy-lane.mjs'

/**
 * @typedef {object} CutRule
 * @property {'client' | 'server'} direction Whose messages to look at.
 * @property {string | RegExp | ((bytes: Buffer) => boolean)} match Looked for in each whole protocol message, read as
 *   UTF-8, case-sensitive. Through TLS only the raw chunks can be seen.
 * @property {CutAction} action
 * @property {number} [nth] Which match it is, over all connections. Default 1.
 * @property {'command' | 'ready'} [until] For `forward-then-swallow-reply`: the reply that proves that the server is done:
 *   CommandComplete, or ReadyForQuery. Default: CommandComplete for COMMIT, which commits at once; ReadyForQuery for all
 *   else, since a statement outside a transaction block commits only at Sync. MySQL: the result of the statement that
 *   matched, or (the default) of the last one in the same text.
 */

/**
 * - `destroy-before-forward`: the other side never gets the message (but all before it).
 * - `destroy-after-forward`: it gets the message; nobody waits for what it does with it.
 * - `forward-then-swallow-reply`: (client messages only) the server runs it to the end, and the client hears nothing of it.
 *   Of a MySQL text of several statements (joined by a `;` on a line of its own) it hears the results before the one that
 *   matched.
 *
 * On a client's message the client's connection is reset at once. On a server's message (a swallowed reply too) it is
 * closed after all that came before. The server's connection is closed after what it was sent.
 * @typedef {'destroy-before-forward' | 'destroy-after-forward' | 'forward-then-swallow-reply'} CutAction
 */

/**
 * @typedef {object} Cut
 * @property {Promise<void>} fired Settles when the connection was cut.
 * @property {() => void} cancel
 */

/**
 * @typedef {object} TcpProxy
 * @property {string} host
 * @property {number} port
 * @property {(url: string) => string} url The same URL, through this proxy.
 * @property {(rule: CutRule) => Cut} cutWhen Cuts one connection, once; several rules may wait at the same time.
 * @property {() => void} blackHole From now on bytes go nowhere, in old and new connections, until `restore()`.
 * @property {() => Promise<void>} refuse New connections are refused until `restore()`; old ones go on.
 * @property {() => Promise<void>} restore
 * @property {() => void} resetAll Resets all connections, on both sides.
 * @property {number} openCount connections open now
 * @property {number} totalCount connections accepted so far
 * @property {() => Promise<void>} stop Resets all and stops listening.
 */

/** @typedef {{ rule: CutRule, leftCount: number, fire: () => void }} PendingCut */

/**
 * Starts a TCP proxy on 127.0.0.1 in front of a PostgreSQL server (or PgBouncer), or of a MySQL or MariaDB server.
 * @param {{ host: string, port: number }} target
 * @param {{ delayMs?: number, protocol?: 'postgres' | 'mysql' }} [options] `protocol`: what the messages are, default
 *   `postgres`. `delayMs`: added in each direction, from 0 (the default); order is kept and
 *   throughput is not limited. The TCP handshake itself is not delayed.
 * @returns {Promise<TcpProxy>}
 */
export async function startProxy(target, { delayMs = 0, protocol = 'postgres' } = {}) {
  /** @type {Set<ReturnType<typeof link>>} */
  const links = new Set()
  /** @type {Set<PendingCut>} */
  const cuts = new Set()
  let totalCount = 0
  let isBlackHole = false

  const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    totalCount++
    const made = link(client, target, delayMs, cuts, protocol)
    links.add(made)
    made.closed.then(() => links.delete(made))
    if (isBlackHole) made.hold()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The proxy has no port')
  const { port } = address

  function resetAll() {
    for (const each of links) each.reset()
  }

  async function refuse() {
    if (!server.listening) return
    // `close` waits for the connections; the port is free at once.
    server.close()
  }

  return {
    host: '127.0.0.1',
    port,
    url(url) {
      const changed = new URL(url)
      changed.hostname = '127.0.0.1'
      changed.port = String(port)
      return changed.href
    },
    cutWhen(rule) {
      if (rule.action === 'forward-then-swallow-reply' && rule.direction !== 'client') {
        throw new Error('forward-then-swallow-reply needs direction: client')
      }
      const { promise, resolve } = withResolvers()
      const pending = { rule, leftCount: rule.nth ?? 1, fire: resolve }
      cuts.add(pending)
      return { fired: promise, cancel: () => void cuts.delete(pending) }
    },
    blackHole() {
      isBlackHole = true
      for (const each of links) each.hold()
    },
    refuse,
    async restore() {
      isBlackHole = false
      for (const each of links) each.release()
      if (server.listening) return
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
    },
    resetAll,
    get openCount() {
      return links.size
    },
    get totalCount() {
      return totalCount
    },
    async stop() {
      await refuse()
      const all = [...links].map((each) => each.closed)
      resetAll()
      await Promise.all(all)
    },
  }
}

/**
 * @param {import('node:net').Socket} client
 * @param {{ host: string, port: number }} target
 * @param {number} delayMs
 * @param {Set<PendingCut>} cuts
 * @param {'postgres' | 'mysql'} protocol
 */
function link(client, target, delayMs, cuts, protocol) {
  const server = connect({ ...target, noDelay: true, allowHalfOpen: true })
  const toServer = openLane(client, server, delayMs)
  const toClient = openLane(server, client, delayMs)
  const { fromClient, fromServer, replies } = protocol === 'mysql' ? mysqlWire() : postgresWire()
  let awaitsEncryptionAnswer = false
  let isCut = false
  /** @type {{ cut: PendingCut, until: 'command' | 'ready' } | undefined} */
  let swallowing

  /** @param {PendingCut} cut */
  function reset(cut) {
    isCut = true
    toServer.finish()
    client.resetAndDestroy()
    cut.fire()
  }

  /**
   * A reset would throw away what the client was sent before and has not read yet.
   * @param {PendingCut} cut
   */
  function close(cut) {
    isCut = true
    toServer.finish()
    toClient.finish()
    cut.fire()
  }

  /** @param {Message} message */
  function passToServer(message) {
    awaitsEncryptionAnswer = message.type === '' && isEncryptionRequest(message.bytes)
    const cut = findCut(cuts, 'client', message.bytes)
    const action = cut?.rule.action
    if (cut && action === 'destroy-before-forward') return reset(cut)
    if (cut && action === 'forward-then-swallow-reply') {
      const commits = protocol === 'postgres' && isCommit(message.bytes)
      swallowing = { cut, until: cut.rule.until ?? (commits ? 'command' : 'ready') }
    }
    replies.sent(message, action === 'forward-then-swallow-reply', cut ? countBefore(cut.rule.match, message.bytes) : 0)
    toServer.send(message.bytes)
    if (cut && action === 'destroy-after-forward') reset(cut)
  }

  /** @param {Message} message */
  function passToClient(message) {
    const reply = replies.received(message)
    if (swallowing && reply.isMarked) {
      if (reply.isReady || (swallowing.until === 'command' && reply.isComplete)) close(swallowing.cut)
      return
    }
    const cut = findCut(cuts, 'server', message.bytes)
    if (cut?.rule.action !== 'destroy-before-forward') toClient.send(message.bytes)
    if (cut) close(cut)
  }

  client.on('data', (/** @type {Buffer} */ chunk) => {
    for (const message of fromClient.read(chunk)) if (!isCut) passToServer(message)
    if (!isCut) toServer.flush()
  })

  server.on('data', (/** @type {Buffer} */ chunk) => {
    if (awaitsEncryptionAnswer) {
      awaitsEncryptionAnswer = false
      if (chunk[0] === 0x53 || chunk[0] === 0x47) {
        fromClient.becomeOpaque()
        fromServer.becomeOpaque()
      }
      toClient.send(chunk)
    } else {
      for (const message of fromServer.read(chunk)) if (!isCut) passToClient(message)
    }
    if (!isCut) toClient.flush()
  })

  client.on('end', () => toServer.finish())
  server.on('end', () => toClient.finish())
  for (const [one, other] of /** @type {const} */ ([
    [client, server],
    [server, client],
  ])) {
    one.on('error', () => {
      if (!isCut && !other.destroyed) other.resetAndDestroy()
    })
  }
  const closed = Promise.all([client, server].map((socket) => new Promise((resolve) => socket.once('close', resolve))))

  return {
    closed,
    hold() {
      toServer.hold()
      toClient.hold()
    },
    release() {
      toServer.release()
      toClient.release()
    },
    reset() {
      isCut = true
      client.resetAndDestroy()
      server.resetAndDestroy()
    },
  }
}

/** @typedef {{ type: string, bytes: Buffer }} Message */

/**
 * How one protocol is read.
 * @typedef {object} Wire
 * @property {MessageReader} fromClient
 * @property {MessageReader} fromServer
 * @property {ReplyTracker} replies
 */
/** @typedef {{ becomeOpaque(): void, read(chunk: Buffer): Message[] }} MessageReader */
/**
 * @typedef {object} ReplyTracker
 * @property {(message: Message, isMarked: boolean, before: number) => void} sent
 * @property {(message: Message) => { isMarked: boolean, isComplete: boolean, isReady: boolean }} received
 */

/** @returns {Wire} */
function postgresWire() {
  return {
    fromClient: createMessageReader('client'),
    fromServer: createMessageReader('server'),
    replies: createReplyTracker(),
  }
}

/** @returns {Wire} */
function mysqlWire() {
  return /** @type {Wire} */ ({ ...createMysqlReaders(), replies: createMysqlReplyTracker() })
}

/**
 * Statements of the same text before the one that matches.
 * @param {CutRule['match']} match
 * @param {Buffer} bytes
 */
function countBefore(match, bytes) {
  const text = bytes.toString('latin1')
  const at =
    typeof match === 'function'
      ? 0
      : typeof match === 'string'
        ? bytes.indexOf(match)
        : text.search(new RegExp(match.source, match.flags.replace(/[gy]/g, '')))
  return text.slice(0, Math.max(0, at)).split('\n;\n').length - 1
}

/**
 * @param {Set<PendingCut>} cuts
 * @param {'client' | 'server'} direction
 * @param {Buffer} bytes
 * @returns {PendingCut | undefined} the rule whose turn it is; it is used up
 */
function findCut(cuts, direction, bytes) {
  for (const cut of cuts) {
    if (cut.rule.direction !== direction || !isMatch(cut.rule.match, bytes)) continue
    cut.leftCount--
    if (cut.leftCount > 0) continue
    cuts.delete(cut)
    return cut
  }
  return undefined
}

/**
 * @param {CutRule['match']} match
 * @param {Buffer} bytes
 */
function isMatch(match, bytes) {
  if (typeof match === 'function') return match(bytes)
  if (typeof match === 'string') return bytes.includes(match)
  return new RegExp(match.source, match.flags.replace(/[gy]/g, '')).test(bytes.toString('utf8'))
}

/** @param {Buffer} bytes a Query or Parse message */
function isCommit(bytes) {
  // Query: type, length, text. Parse: type, length, name, text.
  return /^[QP][\s\S]{4}(?:[^\0]*\0)?\s*(?:commit|end)\b/i.test(bytes.toString('latin1'))
}

/** `Promise.withResolvers` is not in Node 20. */
function withResolvers() {
  /** @type {() => void} */
  let resolve = () => {}
  /** @type {Promise<void>} */
  const promise = new Promise((done) => {
    resolve = done
  })
  return { promise, resolve }
}
