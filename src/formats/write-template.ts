import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { TenantryError } from '../model/errors.ts'
import type { TemplateFile } from '../model/format.ts'

/**
 * Writes a file that a format made up. Never over one that is there, unless that is what it was made from: throws USAGE
 * where somebody changed it meanwhile.
 */
export async function writeTemplate({ path, text, replaces }: TemplateFile): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  if (replaces === undefined) return writeFile(path, text, { flag: 'wx' })
  if ((await readFile(path, 'utf8')) !== replaces) {
    throw new TenantryError('USAGE', `${path} was changed by somebody else in this very moment.`, {
      hint: 'Remove the new files that it does not name, and make the migration again.',
    })
  }
  await writeFile(path, text)
}
