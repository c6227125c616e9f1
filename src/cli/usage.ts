import { CommanderError } from 'commander'
import { distance } from 'fastest-levenshtein'
import { TenantryError } from '../model/errors.ts'

/** Commands that the contract lists and this version does not have. */
const laterCommands: ReadonlySet<string> = new Set(['worker', 'serve'])

const laterRolloutCommands: ReadonlySet<string> = new Set(['pause', 'resume', 'approve', 'cancel'])

/** What other tools call it. */
const otherNames: Readonly<Record<string, string>> = {
  migrate: 'up',
  latest: 'up',
  deploy: 'up',
  apply: 'up',
  rollback: 'down',
  undo: 'down',
  revert: 'down',
  create: 'make',
  generate: 'make',
  new: 'make',
  list: 'status',
  ls: 'status',
  show: 'status',
  'dry-run': 'plan',
}

const flagsWithValue: ReadonlySet<string> = new Set(['--config', '--env', '--log-format', '--concurrency'])

/** The first word that is neither a flag nor the value of a global one; null: there is none. */
export function findCommandName(argv: readonly string[]): string | null {
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? ''
    if (word === '--') return argv[i + 1] ?? null
    if (!word.startsWith('-')) return word
    if (flagsWithValue.has(word)) i++
  }
  return null
}

/** The command as documents name it: `up`, `rollout show`; null: there is none. */
export function nameCommand(argv: readonly string[]): string | null {
  const name = findCommandName(argv)
  if (name === 'phase') return findSubcommand(argv, name) === 'status' ? 'phase status' : name
  if (name === 'registry') return [name, findSubcommand(argv, name) ?? []].flat().join(' ')
  if (name === 'tenants') return [name, findSubcommand(argv, name) ?? []].flat().join(' ')
  if (name === 'backfill-data') return [name, findSubcommand(argv, name) ?? []].flat().join(' ')
  const sub = name === 'rollout' ? findSubcommand(argv, name) : null
  return sub === 'list' || sub === 'show' ? `${name} ${sub}` : name
}

function findSubcommand(argv: readonly string[], name: string): string | null {
  return findCommandName(argv.slice(argv.indexOf(name) + 1))
}

/** Throws `USAGE` when the command is one of a later version: its help would otherwise look like an answer. */
export function refuseLaterCommand(argv: readonly string[]): void {
  const name = findCommandName(argv)
  const sub = name === 'rollout' ? findSubcommand(argv, name) : null
  const later =
    name !== null && laterCommands.has(name) ? name : sub && laterRolloutCommands.has(sub) ? `rollout ${sub}` : null
  if (later === null) return
  throw new TenantryError('USAGE', `\`${later}\` is not part of this version.`, {
    hint: '`tenantry --help` lists the commands there are.',
  })
}

/** The nearest of the commands: by another tool's name for it, else by spelling; null: none is near. */
export function suggestCommand(word: string, commands: readonly string[]): string | null {
  const known = otherNames[word.toLowerCase()]
  if (known !== undefined && commands.includes(known)) return known
  const ranked = commands
    .map((command) => ({ command, far: distance(word.toLowerCase(), command) }))
    .sort((a, b) => a.far - b.far)
  const [nearest] = ranked
  return nearest !== undefined && nearest.far <= Math.max(2, Math.floor(word.length * 0.4)) ? nearest.command : null
}

/** Commander's complaint as an error of ours, with a suggestion in the hint. */
export function toUsageError(
  error: CommanderError,
  argv: readonly string[],
  commands: readonly string[],
): TenantryError {
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n')
  const name = findCommandName(argv)
  const help = name !== null && commands.includes(name) ? `\`tenantry ${name} --help\`` : '`tenantry --help`'
  if (error.code === 'commander.unknownCommand') {
    const word = /'(.*)'/.exec(first)?.[1] ?? ''
    const nearest = name === word ? suggestCommand(word, commands) : null
    const meant = nearest === null ? '' : `Did you mean \`tenantry ${nearest}\`? `
    return new TenantryError('USAGE', `Unknown command \`${word}\`.`, { hint: `${meant}${help} lists the commands.` })
  }
  const meant = /Did you mean (.+?)\?/.exec(rest.join(' '))?.[1]
  const message = `${first.charAt(0).toUpperCase()}${first.slice(1)}`.replace(/([^.])$/, '$1.')
  return new TenantryError('USAGE', message, {
    hint: `${meant === undefined ? '' : `Did you mean \`${meant}\`? `}${help} lists the flags.`,
  })
}

/** Commander throws to end the process after it printed help or the version. */
export function isHelpOrVersion(error: unknown): error is CommanderError {
  return (
    error instanceof CommanderError && (error.code === 'commander.helpDisplayed' || error.code === 'commander.version')
  )
}
