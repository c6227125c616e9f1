import { performance } from 'node:perf_hooks'

/**
 * One direction of a proxied connection: what goes in comes out after the delay, in order and at any rate. The reading
 * side pauses only when a lot is under way.
 * @typedef {object} Lane
 * @property {(bytes: Buffer) => void} send Takes bytes; `flush` after the last ones at hand.
 * @property {() => void} flush
 * @property {() => void} finish Ends the writing side (FIN) after what was sent.
 * @property {() => void} hold Delivers nothing until `release`.
 * @property {() => void} release
 */

const maxQueuedBytes = 32 * 1024 * 1024

/**
 * @param {import('node:net').Socket} from
 * @param {import('node:net').Socket} to
 * @param {number} delayMs
 * @returns {Lane}
 */
export function openLane(from, to, delayMs) {
  /** @type {{ bytes: Buffer | null, dueMs: number }[]} */
  const queue = []
  let queuedBytes = 0
  let isHeld = false
  /** @type {NodeJS.Timeout | undefined} */
  let timer

  function deliver() {
    timer = undefined
    if (isHeld) return
    const nowMs = performance.now()
    to.cork()
    for (let next = queue[0]; next && next.dueMs <= nowMs; next = queue[0]) {
      queue.shift()
      if (next.bytes === null) to.end()
      else if (!to.destroyed && !to.writableEnded) to.write(next.bytes)
      queuedBytes -= next.bytes?.length ?? 0
    }
    to.uncork()
    throttle()
    const next = queue[0]
    if (next) timer = setTimeout(deliver, Math.max(1, Math.ceil(next.dueMs - nowMs)))
  }

  function throttle() {
    const isFull = isHeld || queuedBytes + to.writableLength > maxQueuedBytes
    if (isFull && !from.isPaused()) from.pause()
    if (!isFull && from.isPaused()) from.resume()
  }
  to.on('drain', throttle)
  to.on('close', () => {
    clearTimeout(timer)
    queue.length = 0
    queuedBytes = 0
    from.resume()
  })

  /** @param {Buffer | null} bytes */
  function put(bytes) {
    queue.push({ bytes, dueMs: performance.now() + delayMs })
    queuedBytes += bytes?.length ?? 0
  }

  function flush() {
    if (delayMs === 0) return deliver()
    if (queue.length > 0) timer ??= setTimeout(deliver, delayMs)
    throttle()
  }

  return {
    send: put,
    flush,
    finish() {
      put(null)
      flush()
    },
    hold() {
      isHeld = true
      throttle()
    },
    release() {
      isHeld = false
      deliver()
      throttle()
    },
  }
}
