import type { KeyCheckReport, KeyItem, RotateKeysReport } from '../../model/key-report.ts'
import { formatCount, formatDuration, plural, table } from '../text.ts'
import { joinSections, type PrintStyle, printNotices } from './style.ts'

/** How a key that was just printed may be kept. */
export function describeStoring(id: string, { shell, colors }: PrintStyle): string[] {
  const again = `${shell} keys generate --quiet`
  return [
    '',
    `This is key ${colors.bold(id)}. It is kept nowhere: store it before anything is sealed with it.`,
    '  a variable    MASTER_ENCRYPTION_KEY=<the key>, in the environment of every process that opens credentials',
    `  a file        (umask 077; ${again} > master.key), and in the config: keys: { master: { file: './master.key' } }`,
    `  Kubernetes    ${again} | kubectl create secret generic tenantry-keys --from-file=MASTER_ENCRYPTION_KEY=/dev/stdin`,
    `  Vault         ${again} | vault kv put secret/tenantry master=-, and in the config: keys: { master: { command: 'vault kv get -field=master secret/tenantry' } }`,
    'What is sealed with it cannot be opened without it: keep a copy where the database is not.',
    `\`${shell} keys rotate\` moves everything from the key before to this one.`,
  ]
}

const purposes: Readonly<Record<KeyItem['role'], string>> = {
  current: 'seals and opens',
  previous: 'opens',
  cbc: 'AES-256-CBC',
}

/** The keys with their ids, how many credentials each opens, and what does not open. */
export function printKeyCheck(report: KeyCheckReport, style: PrintStyle): string[] {
  const { colors } = style
  const { keys, credentials, missing, unreadable } = report
  const rows = keys.map(({ source, role, id, error, opens }) => [
    error === null ? (id === null ? colors.dim('·') : colors.green('✔')) : colors.red('✖'),
    source,
    id ?? (error === null ? 'not set' : 'wrong'),
    purposes[role],
    id === null || credentials === null ? '' : `opens ${plural(opens, 'credential')}`,
  ])
  const errors = keys.flatMap(({ error }) =>
    error === null ? [] : [`${colors.red('✖')} ${error.message}`, ...(error.hint === null ? [] : [`  ${error.hint}`])],
  )
  const isNoneSet = keys.every(({ id, error }) => id === null && error === null)
  const none = isNoneSet ? [`${colors.red('✖')} No key is set. \`${style.shell} keys generate\` prints a new one.`] : []
  return joinSections([
    style.quiet ? [] : table(rows),
    errors,
    none,
    printNotices(report.notices, style),
    missing.map(
      ({ keyId, credentials: count }) =>
        `${colors.red('✖')} ${plural(count, 'credential')} ${count === 1 ? 'is' : 'are'} sealed with key ${keyId}, which is not set`,
    ),
    unreadable.slice(0, style.verbose ? 20 : 5).map(({ tenant, why }) => `${colors.red('✖')} ${tenant}: ${why}`),
    credentials === null ? ['There is no registry to look into.'] : [headline(credentials, style)],
  ])
}

function headline(
  { total, cbc, references, unreadable }: NonNullable<KeyCheckReport['credentials']>,
  { colors }: PrintStyle,
): string {
  const aside = [
    ...(cbc === 0 ? [] : [`${formatCount(cbc)} AES-256-CBC`]),
    ...(references === 0 ? [] : [plural(references, 'reference')]),
  ]
  const more = aside.length === 0 ? '' : colors.dim(` · ${aside.join(' · ')}`)
  if (unreadable > 0)
    return `${colors.red('✖')} ${formatCount(unreadable)} of ${plural(total, 'credential')} cannot be opened${more}`
  if (total === 0) return `No credential is stored${more}`
  return `${colors.green('✔')} ${total === 1 ? 'the one credential opens' : `all ${plural(total, 'credential')} open`}${more}`
}

export function printRotation(report: RotateKeysReport, style: PrintStyle): string[] {
  const { colors } = style
  const { key, total, rotated, resealed, cbc, references, durationMs } = report
  const sealed = total - cbc
  const facts = [
    ...(rotated === 0
      ? [
          `nothing to do: ${sealed === 0 ? 'no credential is sealed' : `${plural(sealed, 'credential')} sealed with key ${key}`}`,
        ]
      : [`${plural(rotated, 'credential')} sealed anew with key ${key}, and each opened again`]),
    ...(resealed === 0 ? [] : [`${formatCount(resealed)} of them were AES-256-CBC`]),
    ...(references === 0 ? [] : [plural(references, 'reference')]),
    `in ${formatDuration(durationMs)}`,
  ]
  return joinSections([printNotices(report.notices, style), [`${colors.green('✔')} ${facts.join(' · ')}`]])
}
