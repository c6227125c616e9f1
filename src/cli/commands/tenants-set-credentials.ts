import { type Command, Option } from 'commander'
import { TenantryError } from '../../model/errors.ts'
import type { SetCredentialReport } from '../../model/key-report.ts'
import { Secret } from '../../model/secret.ts'
import { addExamples } from '../examples.ts'
import type { Invoke } from '../invoke.ts'
import type { PrintStyle } from '../print/style.ts'
import type { Session } from '../session.ts'
import { quoteWord } from '../text.ts'

interface CredentialFlags {
  user: string
  passwordStdin?: boolean
  passwordRef?: string
  password?: string
}

/** Adds itself to the group `tenants`. */
export function addSetCredentials(tenants: Command, invoke: Invoke): void {
  const command = tenants
    .command('set-credentials <tenant>')
    .description(
      "Stores what connections to a tenant's database log in with: a password, sealed before it is stored, or a " +
        'reference to where it is. The password itself is never an argument: arguments are in the process list.',
    )
    .requiredOption('--user <name>', 'role or account to log in as')
    .option('--password-stdin', 'read the password from standard input; one end of line at its end is no part of it')
    .option(
      '--password-ref <reference>',
      'where the password is, looked up when it is needed: env:NAME, file:/path or command:…',
    )
    // Refused by name: as an unknown flag, `--password=…` would be repeated in the message.
    .addOption(new Option('--password [password]').hideHelp())
  addExamples(command, [
    ['tenantry tenants set-credentials acme --user acme --password-stdin < password.txt', 'sealed in the registry'],
    ['tenantry tenants set-credentials acme --user acme --password-ref env:ACME_PASSWORD', 'from a variable'],
    [
      "tenantry tenants set-credentials acme --user acme --password-ref 'command:vault kv get -field=password secret/acme'",
      'from a vault',
    ],
  ])
  command.action((tenant: string, flags: CredentialFlags) =>
    invoke(command, async (session) => {
      const { user } = flags
      const given = await readGiven(session, flags)
      const tenantry = await session.open()
      const report = await tenantry.keys.setCredential(tenant, { user, ...given })
      session.print(report, printSetCredential)
      return 0
    }),
  )
}

async function readGiven(
  { host }: Session,
  { passwordStdin, passwordRef, password }: CredentialFlags,
): Promise<{ password: Secret } | { reference: string }> {
  if (password !== undefined) {
    throw new TenantryError('USAGE', 'A password is not taken as an argument: those are in the process list.', {
      hint: 'Change that password, since it was in an argument; then give the new one with --password-stdin.',
    })
  }
  if ((passwordStdin === true) === (passwordRef !== undefined)) {
    throw new TenantryError('USAGE', 'Give either --password-stdin or --password-ref.', {
      hint: '`tenantry tenants set-credentials --help` shows both.',
    })
  }
  if (passwordRef !== undefined) return { reference: passwordRef }
  if (host.readInput === undefined) {
    throw new TenantryError('USAGE', 'The standard input is a terminal, which would show the password.', {
      hint: 'Pipe it: `read -rs p; printf %s "$p" | tenantry tenants set-credentials … --password-stdin`, or from a file: `… --password-stdin < file`.',
    })
  }
  return { password: new Secret((await host.readInput()).replace(/\r?\n$/, '')) }
}

function printSetCredential(report: SetCredentialReport, { colors, shell }: PrintStyle): string[] {
  const { tenant, user, kind, keyId } = report
  const how =
    kind === 'reference'
      ? 'its password is looked up by the reference when it is needed'
      : `its password is sealed with key ${keyId}${kind === 'cbc' ? ' (AES-256-CBC, as the others in the table)' : ''}`
  return [
    `${colors.green('✔')} ${tenant.slug} logs in as ${user}; ${how}`,
    `Next: \`${shell} status ${quoteWord(tenant.slug)}\` tries it`,
  ]
}
