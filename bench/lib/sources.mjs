import { readdir, readFile } from 'node:fs/promises'

const folder = new URL('../migrations/', import.meta.url)

/**
 * The ten migrations that every tool runs, from the one place where they are written.
 * @returns {Promise<{ id: string, sql: string }[]>} in order
 */
export async function readSources() {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort()
  return Promise.all(
    files.map(async (file) => ({
      id: file.slice(0, -'.sql'.length),
      sql: await readFile(new URL(file, folder), 'utf8'),
    })),
  )
}
