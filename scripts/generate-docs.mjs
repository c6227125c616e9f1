// Writes docs/cli.md from the commander program, docs/errors.md from the table of error codes, and docs/rules.md from the
// rules of lint. What stands in
// docs/errors.md from its heading "Troubleshooting" on is written by hand, and kept.
// With --check: writes nothing, and fails when a file is not what it should be.
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { createJiti } from 'jiti'
import { describeRules } from './lib/rules-page.mjs'

const root = new URL('..', import.meta.url)
// One instance: the examples are found by the identity of the command objects.
const jiti = createJiti(import.meta.url)
const load = (path) => jiti.import(fileURLToPath(new URL(path, root)))

const { buildProgram } = await load('src/cli/program.ts')
const { readExamples } = await load('src/cli/examples.ts')
const { errorTable } = await load('src/model/errors.ts')
const { rules } = await load('src/checks/lint/rule-table.ts')

const documents = {
  'docs/cli.md': describeProgram(),
  'docs/errors.md': describeErrors(await readTroubleshooting()),
  'docs/rules.md': describeRules(rules),
}
let outdated = 0
for (const [path, text] of Object.entries(documents)) {
  const file = new URL(path, root)
  const current = await readFile(file, 'utf8').catch(() => '')
  if (current === text) continue
  if (process.argv.includes('--check')) {
    outdated++
    console.error(`${path} is not up to date: run \`node scripts/generate-docs.mjs\`.`)
  } else {
    await writeFile(file, text)
    console.log(`wrote ${path}`)
  }
}
process.exitCode = outdated === 0 ? 0 : 1

function describeProgram() {
  const program = buildProgram(async () => {})
  const commands = program.commands.flatMap((command) => [command, ...command.commands])
  const globals = visibleOptions(program)
  return lines(
    '# Command line',
    '',
    program.description(),
    '',
    `\`\`\`text\n${program.name()} ${program.usage()}\n\`\`\``,
    '',
    'Progress goes to stderr, results to stdout. With `--json`, stdout holds one JSON document and nothing else.',
    '',
    table(
      ['command', 'does'],
      program.commands.map((command) => [
        `[\`${nameOf(command)}\`](#${anchorOf(command)})`,
        command.summary() || command.description(),
      ]),
    ),
    '',
    '## Global flags',
    '',
    'Before or after the command.',
    '',
    optionTable(globals),
    '',
    '## Exit codes',
    '',
    table(
      ['code', 'means'],
      [
        ['0', 'done'],
        ['1', 'a target failed or was stopped, or a server could not be reached'],
        ['2', 'wrong usage, config or key, or a confirmation is missing'],
        ['3', '`check`, `plan` or another command that looks found something that needs a person'],
        ['130', 'interrupted; what was in flight is finished and recorded, and the last line says how to continue'],
      ],
    ),
    '',
    'Every error code is listed in [errors.md](errors.md).',
    '',
    '## Interrupts',
    '',
    'The first Ctrl-C (or SIGTERM) lets what is in flight finish and starts nothing new. The second cancels what runs in the servers. The third leaves at once. Whichever it was, the next run goes on from what the targets recorded.',
    '',
    ...commands.flatMap((command) => describeCommand(command)),
  )
}

function describeCommand(command) {
  const options = visibleOptions(command)
  const examples = readExamples(command)
  const hasOwnPage = command.commands.length === 0
  return [
    `## ${nameOf(command)}`,
    '',
    command.description(),
    '',
    `\`\`\`text\ntenantry ${nameOf(command)}${hasOwnPage ? argumentsOf(command) : ' <command>'}\n\`\`\``,
    '',
    ...(options.length > 0 ? [optionTable(options), ''] : []),
    ...(examples.length > 0 ? [`\`\`\`sh\n${alignExamples(examples)}\n\`\`\``, ''] : []),
  ]
}

function nameOf(command) {
  return command.parent?.parent ? `${nameOf(command.parent)} ${command.name()}` : command.name()
}

function anchorOf(command) {
  return nameOf(command).replaceAll(' ', '-')
}

function argumentsOf(command) {
  const text = command.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? '...' : ''}`
    return argument.required ? ` <${name}>` : ` [${name}]`
  })
  return text.join('')
}

function visibleOptions(command) {
  return command
    .createHelp()
    .visibleOptions(command)
    .filter((option) => option.long !== '--help')
}

function optionTable(options) {
  return table(
    ['flag', 'does'],
    options.map((option) => [`\`${option.flags}\``, describeOption(option)]),
  )
}

function describeOption(option) {
  const choices = option.argChoices ? ` (${option.argChoices.map((choice) => `\`${choice}\``).join(', ')})` : ''
  const isDefaultShown = option.defaultValue !== undefined && !option.negate
  return `${option.description}${choices}${isDefaultShown ? `; default: \`${option.defaultValue}\`` : ''}`
}

function alignExamples(examples) {
  const width = Math.max(...examples.map(([line]) => line.length))
  return examples.map(([line, purpose]) => `${line.padEnd(width)}  # ${purpose}`).join('\n')
}

async function readTroubleshooting() {
  const current = await readFile(new URL('docs/errors.md', root), 'utf8').catch(() => '')
  const at = current.indexOf('\n## Troubleshooting\n')
  return at === -1 ? '' : current.slice(at + 1)
}

function describeErrors(troubleshooting) {
  const rows = Object.entries(errorTable).map(([code, { exit, means }]) => [`\`${code}\``, String(exit), means])
  return lines(
    '# Error codes',
    '',
    "Every error has a code for programs, a message that says what happened and where, and a hint that says what to do. An error that stops the whole command ends it with the exit code below; one that belongs to a single target is in that target's result, and the command ends with 1.",
    '',
    table(['code', 'exit', 'means'], rows),
    '',
    'In `--json` documents:',
    '',
    '```json\n{ "code": "MIGRATION_FAILED", "message": "…", "hint": "…", "context": { "migration": "…", "statement": 2, "line": 12, "column": 5 } }\n```',
    '',
    troubleshooting,
  )
}

function table(header, rows) {
  const write = (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [write(header), `|${header.map(() => '---|').join('')}`, ...rows.map(write)].join('\n')
}

function lines(...parts) {
  return `${parts.join('\n').trimEnd()}\n`
}
