import type { Command } from 'commander'
import type { ExitCode } from './exit-code.ts'
import type { Session } from './session.ts'

/** Carries out a command's work in a session and keeps its exit code. */
export type Invoke = (command: Command, work: (session: Session) => Promise<ExitCode>) => Promise<void>
