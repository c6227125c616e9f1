/** A TCP proxy in front of a server: latency, and connections cut at an exact message. */
import { startProxy as start } from '../../scripts/lib/proxy.mjs'

export type TcpProxy = import('../../scripts/lib/proxy.mjs').TcpProxy
export type CutRule = import('../../scripts/lib/proxy.mjs').CutRule
export type CutAction = import('../../scripts/lib/proxy.mjs').CutAction
export type Cut = import('../../scripts/lib/proxy.mjs').Cut

export interface ProxyOptions {
  /** Added in each direction. Default 0. */
  delayMs?: number
  /** What the messages are. Default `postgres`. */
  protocol?: 'postgres' | 'mysql'
}

/** Starts a proxy on a free port of 127.0.0.1. Stop it in `afterEach`. */
export function startProxy(target: { host: string; port: number }, options: ProxyOptions = {}): Promise<TcpProxy> {
  return start({ host: target.host, port: target.port }, options)
}
