import { readFileSync } from 'node:fs'

/** This package's version. Works from `src/engine` and from `dist/engine`, which are equally deep. */
export function readVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : '0.0.0'
}
