// Started by `startDelay`: prints the port it listens on and ends with its standard input.
import { startProxy } from '../../scripts/lib/proxy.mjs'

const [port, delayMs, protocol] = process.argv.slice(2)
const proxy = await startProxy({ host: '127.0.0.1', port: Number(port) }, { delayMs: Number(delayMs), protocol })
console.log(proxy.port)
process.stdin.resume()
process.stdin.once('end', () => process.exit(0))
