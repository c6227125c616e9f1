/**
 * Cuts both byte streams of MySQL's protocol into packets: three bytes of length, one of sequence, the payload.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html
 */
export function createMysqlReaders() {
  let isOpaque = false

  /** @param {'client' | 'server'} side */
  function reader(side) {
    /** @type {Buffer} */
    let rest = Buffer.alloc(0)
    let isFirst = true
    return {
      becomeOpaque() {
        isOpaque = true
      },
      /**
       * @param {Buffer} chunk
       * @returns {MysqlMessage[]} the packets that this chunk completes
       */
      read(chunk) {
        if (isOpaque) return [{ type: 'opaque', bytes: chunk }]
        rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
        /** @type {MysqlMessage[]} */
        const messages = []
        while (rest.length >= 4 && rest.length >= 4 + rest.readUIntLE(0, 3)) {
          const length = 4 + rest.readUIntLE(0, 3)
          const bytes = rest.subarray(0, length)
          rest = rest.subarray(length)
          // The client's first packet, where it is this short, asks for TLS; all that follows is encrypted.
          if (side === 'client' && isFirst && length === 36) isOpaque = true
          messages.push({ type: side === 'client' && bytes[3] === 0 ? 'command' : 'packet', bytes })
          isFirst = false
          if (isOpaque && rest.length > 0) {
            messages.push({ type: 'opaque', bytes: rest })
            rest = Buffer.alloc(0)
          }
        }
        return messages
      },
    }
  }
  return { fromClient: reader('client'), fromServer: reader('server') }
}

/** @typedef {{ type: 'command' | 'packet' | 'opaque', bytes: Buffer }} MysqlMessage */

const moreResults = 0x0008

/**
 * Follows the results of a text of several statements, so that a packet can be told to belong to one of them. Clients
 * that ask for CLIENT_DEPRECATE_EOF are not understood; the driver does not.
 */
export function createMysqlReplyTracker() {
  let isMarked = false
  let markedResult = 0
  let result = 0
  /** @type {'header' | 'columns' | 'rows' | 'none'} */
  let expects = 'none'

  /** @param {number} status */
  function endResult(status) {
    const isReady = (status & moreResults) === 0
    const reply = {
      isMarked: isMarked && result >= markedResult,
      isComplete: isMarked && result === markedResult,
      isReady,
    }
    result++
    expects = isReady ? 'none' : 'header'
    return reply
  }

  return {
    /**
     * @param {MysqlMessage} message from the client
     * @param {boolean} marked whether its reply is the one looked for
     * @param {number} [before] results of the same text that come before it
     */
    sent(message, marked, before = 0) {
      if (message.type !== 'command') return
      isMarked = marked
      markedResult = before
      result = 0
      expects = 'header'
    },
    /**
     * @param {MysqlMessage} message from the server
     * @returns {{ isMarked: boolean, isComplete: boolean, isReady: boolean }} whether it belongs to the marked reply,
     *   ends the marked statement, and ends the whole text
     */
    received(message) {
      const first = message.bytes[4]
      const isEof = first === 0xfe && message.bytes.length < 13
      if (expects === 'none' || message.type === 'opaque') return { isMarked: false, isComplete: false, isReady: false }
      // An error ends the text, whatever was still to come.
      if (first === 0xff) return endResult(0)
      if (expects === 'header' && first === 0x00) return endResult(readOkStatus(message.bytes))
      if (expects === 'rows' && isEof) return endResult(message.bytes.readUInt16LE(7))
      if (expects === 'header') expects = 'columns'
      else if (expects === 'columns' && isEof) expects = 'rows'
      return { isMarked: isMarked && result >= markedResult, isComplete: false, isReady: false }
    },
  }
}

/** @param {Buffer} bytes an OK packet: header, affected rows, last id, status */
function readOkStatus(bytes) {
  const at = skipNumber(bytes, skipNumber(bytes, 5))
  return bytes.readUInt16LE(at)
}

/**
 * @param {Buffer} bytes
 * @param {number} at a length-encoded number
 */
function skipNumber(bytes, at) {
  const first = bytes[at] ?? 0
  return at + (first < 0xfb ? 1 : first === 0xfc ? 3 : first === 0xfd ? 4 : 9)
}
