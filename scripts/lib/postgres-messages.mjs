/**
 * Cuts a byte stream of PostgreSQL's protocol into whole messages.
 * https://www.postgresql.org/docs/18/protocol-message-formats.html
 * @param {'client' | 'server'} side who sends; a client's first messages have no type byte
 */
export function createMessageReader(side) {
  let hasType = side === 'server'
  let isOpaque = false
  /** @type {Buffer[]} */
  let parts = []
  let partsLength = 0

  return {
    /** From here on (TLS) nothing can be read: chunks pass as they come. */
    becomeOpaque() {
      isOpaque = true
    },
    /**
     * @param {Buffer} chunk
     * @returns {Message[]} the messages that this chunk completes
     */
    read(chunk) {
      if (isOpaque) return [{ type: '', bytes: chunk }]
      parts.push(chunk)
      partsLength += chunk.length
      /** @type {Message[]} */
      const messages = []
      for (;;) {
        const length = readLength()
        if (length === undefined || partsLength < length) return messages
        const bytes = take(length)
        const type = hasType ? String.fromCharCode(bytes[0] ?? 0) : ''
        messages.push({ type, bytes })
        if (!hasType && !isEncryptionRequest(bytes)) hasType = true
      }
    },
  }

  /** @returns {number | undefined} length of the next message with everything, once enough of it is here */
  function readLength() {
    const headerLength = hasType ? 5 : 4
    if (partsLength < headerLength) return undefined
    let [first] = parts
    if (!first || first.length < headerLength) {
      first = Buffer.concat(parts)
      parts = [first]
    }
    return first.readUInt32BE(headerLength - 4) + headerLength - 4
  }

  /** @param {number} length */
  function take(length) {
    const all = parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts)
    const rest = all.subarray(length)
    parts = rest.length === 0 ? [] : [rest]
    partsLength = rest.length
    return all.subarray(0, length)
  }
}

/** @typedef {{ type: string, bytes: Buffer }} Message  type '' for start-up messages and for what cannot be read */

/**
 * @param {Buffer} bytes a message without a type byte
 * @returns {boolean} whether it is SSLRequest or GSSENCRequest, which the server answers with one bare byte
 */
export function isEncryptionRequest(bytes) {
  if (bytes.length !== 8) return false
  const code = bytes.readUInt32BE(4)
  return code === 80877103 || code === 80877104
}

/**
 * Follows which of a client's messages the server is answering, so that a reply can be told to belong to a statement.
 */
export function createReplyTracker() {
  /** @typedef {{ kind: 'execute' | 'query' | 'sync', isMarked: boolean }} Expected */
  /** @type {Expected[]} */
  const expected = []
  let isMarkPending = false

  return {
    /**
     * @param {Message} message from the client
     * @param {boolean} isMarked whether its reply is the one looked for: of Parse, Bind and Describe that is the reply of
     *   the Execute (or else the Sync) that follows
     */
    sent(message, isMarked) {
      isMarkPending ||= isMarked
      const kind = kindOf(message)
      if (!kind) return
      expected.push({ kind, isMarked: isMarkPending })
      isMarkPending = false
    },
    /**
     * @param {Message} message from the server
     * @returns {{ isMarked: boolean, isComplete: boolean, isReady: boolean }} whether it belongs to the marked message's
     *   reply, completes that statement, and says that the server is ready again after it
     */
    received(message) {
      const head = expected[0]
      const isMarked = head?.isMarked ?? false
      if (message.type === 'Z') {
        const batch = expected.splice(0, expected.findIndex((item) => item.kind !== 'execute') + 1)
        const hasMark = isMarked || batch.some((item) => item.isMarked)
        return { isMarked: hasMark, isComplete: hasMark, isReady: true }
      }
      if (head?.kind === 'execute' && (message.type === 'C' || message.type === 'I' || message.type === 's')) {
        expected.shift()
        // What was waited for until ReadyForQuery stays marked: its batch is not over.
        const next = expected[0]
        if (isMarked && next) next.isMarked = true
        else if (isMarked) isMarkPending = true
        return { isMarked, isComplete: isMarked, isReady: false }
      }
      return { isMarked, isComplete: false, isReady: false }
    },
  }
}

/** @param {Message} message */
function kindOf({ type, bytes }) {
  if (type === 'Q' || type === 'F') return 'query'
  if (type === 'S') return 'sync'
  if (type === 'E') return 'execute'
  // After the start-up message (and the passwords) comes the first ReadyForQuery.
  if (type === '' && !isEncryptionRequest(bytes)) return 'sync'
  return undefined
}
