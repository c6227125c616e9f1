import { randomBytes } from 'node:crypto'
import { readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { lives } from './lives.ts'

/** What this process has taken on and not given back. */
const own = new Set<string>()

/** A name for one piece of work of this process, by which others can tell whether it may still be at it. */
export function claimName(): string {
  const name = `${place}:${process.pid}:${randomBytes(6).toString('hex')}`
  own.add(name)
  return name
}

export function giveUpName(name: string): void {
  own.delete(name)
}

/**
 * Has the process that took this on ended, for certain? Only a process of this machine can be asked; of others it is
 * told by their silence.
 */
export function isGone(name: string): boolean {
  const at = name.lastIndexOf(':', name.lastIndexOf(':') - 1)
  if (name.slice(0, at) !== place) return false
  const pid = Number(name.slice(at + 1).split(':')[0])
  return pid === process.pid ? !own.has(name) : !lives(pid)
}

/** Containers may have one host name between them, and each its own numbers of processes. */
const place = `${hostname()}:${readNamespace()}`

function readNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid').replaceAll(/\D/g, '')
  } catch {
    return ''
  }
}
