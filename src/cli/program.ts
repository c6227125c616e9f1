import { Command } from 'commander'
import { readVersion } from '../engine/package-version.ts'
import { addAdopt } from './commands/adopt.ts'
import { addBackfill } from './commands/backfill.ts'
import { addBackfillData } from './commands/backfill-data.ts'
import { addBaseline } from './commands/baseline.ts'
import { addCheck } from './commands/check.ts'
import { addDown } from './commands/down.ts'
import { addDrift } from './commands/drift.ts'
import { addExplain } from './commands/explain.ts'
import { addInit } from './commands/init.ts'
import { addKeys } from './commands/keys.ts'
import { addLint } from './commands/lint.ts'
import { addMake } from './commands/make.ts'
import { addPhase } from './commands/phase.ts'
import { addPlan } from './commands/plan.ts'
import { addProve } from './commands/prove.ts'
import { addRegistry } from './commands/registry.ts'
import { addRollout } from './commands/rollout.ts'
import { addSampleDb } from './commands/sample-db.ts'
import { addSeed } from './commands/seed.ts'
import { addStatus } from './commands/status.ts'
import { addTenants } from './commands/tenants.ts'
import { addUnlock } from './commands/unlock.ts'
import { addUp } from './commands/up.ts'
import { addVerify } from './commands/verify.ts'
import { addWait } from './commands/wait.ts'
import { addExamples } from './examples.ts'
import { addGlobalFlags } from './flags.ts'
import type { Invoke } from './invoke.ts'

/** The whole command line, in the order of its help. Throws `CommanderError` instead of ending the process. */
export function buildProgram(invoke: Invoke): Command {
  const program = new Command('tenantry')
    .description('Migrates the database of every tenant of a multi-tenant product: one set of migrations, one command.')
    .usage('<command> [arguments] [selectors] [flags]')
    .version(readVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
  addGlobalFlags(program)
  addExamples(program, [
    ['tenantry init', 'look at this project and write tenantry.config.ts'],
    ['tenantry adopt', 'look at the databases: what is applied, and what is odd'],
    ['tenantry plan', 'what would run where'],
    ['tenantry up', 'apply what is pending, in every tenant'],
    ['tenantry up acme --to 0042', 'one tenant, up to 0042'],
    ['tenantry status', 'the fleet on a page'],
    ['tenantry up --help', 'everything about one command'],
  ])
  for (const add of [
    addInit,
    addAdopt,
    addMake,
    addPlan,
    addUp,
    addDown,
    addStatus,
    addCheck,
    addVerify,
    addDrift,
    addBackfill,
    addBackfillData,
    addSampleDb,
    addSeed,
    addProve,
    addLint,
    addBaseline,
    addUnlock,
    addExplain,
    addPhase,
    addTenants,
    addRegistry,
    addKeys,
    addRollout,
    addWait,
  ]) {
    add(program, invoke)
  }
  return program
}

/** Names of the commands, as they are typed. */
export function listCommands(program: Command): string[] {
  return program.commands.map((command) => command.name())
}
