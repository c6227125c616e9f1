import { randomBytes } from 'node:crypto'
import type { Command } from 'commander'
import type { KeyCheckReport } from '../../model/key-report.ts'
import { makeKey } from '../../registry/key-ring.ts'
import { addExamples } from '../examples.ts'
import type { ExitCode } from '../exit-code.ts'
import type { Invoke } from '../invoke.ts'
import { describeStoring, printKeyCheck, printRotation } from '../print/keys.ts'
import { plural } from '../text.ts'

export function addKeys(program: Command, invoke: Invoke): void {
  const keys = program
    .command('keys')
    .summary('the keys that seal credentials: make, check, rotate')
    .description(
      'The keys that seal the credentials in the registry. `MASTER_ENCRYPTION_KEY` seals and opens, ' +
        '`MASTER_ENCRYPTION_KEY_PREVIOUS` opens, too, during a rotation; `DB_ENCRYPTION_KEY` opens AES-256-CBC values of ' +
        "a team's own application. `keys` in the config may name other variables, files or commands.",
    )
  addExamples(keys, [
    ['tenantry keys generate', 'a new key, printed once'],
    ['tenantry keys check', 'does every credential open, and with which key?'],
    ['tenantry keys rotate', 'seal everything with the current key'],
  ])
  addGenerate(keys, invoke)
  addCheckKeys(keys, invoke)
  addRotate(keys, invoke)
}

function addGenerate(keys: Command, invoke: Invoke): void {
  const command = keys
    .command('generate')
    .description(
      'Prints a new key (64 hex digits) on stdout, once, and on stderr how to store it. Needs no config and keeps nothing.',
    )
  addExamples(command, [
    ['tenantry keys generate', 'with the ways to store it'],
    ['tenantry keys generate --quiet', 'the key alone, for a pipe'],
  ])
  command.action(() =>
    invoke(command, async (session) => {
      const bytes = randomBytes(32)
      const key = bytes.toString('hex')
      const { id } = makeKey('current', Buffer.from(key), bytes)
      session.print({ command: 'keys generate', ok: true, key, keyId: id }, () => [key])
      const { flags, host, style } = session
      if (!flags.json && !flags.quiet) host.stderr.write(`${describeStoring(id, style).join('\n')}\n`)
      return 0
    }),
  )
}

function addCheckKeys(keys: Command, invoke: Invoke): void {
  const command = keys
    .command('check')
    .description(
      'Shows which keys are set, by their ids, and opens every stored credential with them. Changes nothing. ' +
        'Exit code 2: a key is missing or wrong. 3: a credential does not open.',
    )
  addExamples(command, [
    ['tenantry keys check', 'before and after a rotation'],
    ['tenantry keys check --json', 'for programs'],
  ])
  command.action(() =>
    invoke(command, async (session) => {
      const tenantry = await session.open()
      const report = await tenantry.keys.check()
      session.print(report, printKeyCheck)
      return exitCodeOfCheck(report)
    }),
  )
}

function exitCodeOfCheck({ ok, keys }: KeyCheckReport): ExitCode {
  if (keys.some(({ error }) => error !== null) || keys.every(({ id }) => id === null)) return 2
  return ok ? 0 : 3
}

function addRotate(keys: Command, invoke: Invoke): void {
  const command = keys
    .command('rotate')
    .description(
      'Seals every credential with the current key. Everything else may go on meanwhile: both keys open until it is ' +
        'done. Ended in the middle, it goes on when it is run again. Nothing is written where a credential does not open. ' +
        'It ends with the proof that no credential needs the previous key.',
    )
    .option(
      '--reseal',
      'AES-256-CBC values, too: the application that wrote them can no longer read them; asks first (--yes)',
    )
  addExamples(command, [
    ['tenantry keys rotate', 'after the new key is set everywhere, and the old one as the previous key'],
    ['tenantry keys rotate --reseal', 'from AES-256-CBC to AES-256-GCM'],
  ])
  command.action((flags: { reseal?: boolean }) =>
    invoke(command, async (session) => {
      const tenantry = await session.open()
      const { confirm } = session
      const report = await tenantry.keys.rotate({
        ...(flags.reseal && { reseal: true }),
        ...(session.flags.yes && { yes: true }),
        ...(confirm !== null && { confirm: (cbc) => confirm(askAbout(cbc)) }),
      })
      session.print(report, printRotation)
      return 0
    }),
  )
}

function askAbout(cbc: number): string {
  return `${plural(cbc, 'AES-256-CBC value')} will be sealed with AES-256-GCM. An application that reads them with DB_ENCRYPTION_KEY cannot do so any more. Go on? [y/N] `
}
