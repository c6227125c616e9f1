import type { ErrorDocument } from '../model/errors.ts'
import type { Notice } from '../model/migration.ts'
import type { RunSignals, Tenantry } from '../model/report.ts'
import { adviseWith } from './advice.ts'
import type { GlobalFlags } from './flags.ts'
import { type Interrupts, leaveOnInterrupt, type SignalSource, watchInterrupts } from './interrupts.ts'
import type { OpenTenantry } from './open.ts'
import { describeError } from './print/error.ts'
import { howToContinue, type PrintStyle } from './print/style.ts'
import { drawLiveLine } from './progress/live.ts'
import { ignoreEvents, type ProgressOutput, type TextStream, writeEventLines } from './progress/output.ts'
import { writePlainLines } from './progress/plain.ts'
import { chooseColors, quoteWord, redact, showControls } from './text.ts'

/** The world around the command line; tests give their own. */
export interface CliHost {
  stdout: TextStream
  stderr: TextStream
  env: NodeJS.ProcessEnv
  cwd: string
  now: () => number
  signals: SignalSource
  exit(code: number): void
  open: OpenTenantry
  /** Everything on standard input, to its end; absent: that is a terminal. */
  readInput?: () => Promise<string>
  /** Asks whoever sits at the terminal; absent: nobody does. */
  ask?: (question: string) => Promise<boolean>
  /** The same; gives what was typed. */
  askText?: (question: string) => Promise<string>
}

/** One command being carried out. */
export interface Session {
  readonly host: CliHost
  readonly flags: GlobalFlags
  readonly style: PrintStyle
  /** The facade; opened once, closed with the session. */
  open(): Promise<Tenantry>
  /** Asks a person; null: nobody is there to ask. */
  readonly confirm: ((question: string) => Promise<boolean>) | null
  /** Asks a person for a word; null: nobody is there to ask. */
  readonly askText: ((question: string) => Promise<string>) | null
  /** For commands that change targets. Others end at the first Ctrl-C. */
  watchInterrupts(): RunSignals
  /** A notice of the command line itself: progress shows it, and the report's document gets it. */
  notice(notice: Notice): void
  /** Ends progress and prints: the document with `--json`, else the lines. */
  print<T extends object>(document: T, lines: (document: T, style: PrintStyle) => readonly string[]): void
  close(): Promise<void>
}

/** Commands whose result holds its notices: what comes as an event is kept until it is known whether it does. */
const noticesInResult: ReadonlySet<string> = new Set([
  'plan',
  'status',
  'check',
  'explain',
  'adopt',
  'make',
  'verify',
  'drift',
  'backfill',
  'repair',
  'prove',
  'lint',
  'sample-db',
  'backfill-data list',
  'backfill-data run',
  'backfill-data pause',
  'backfill-data status',
  'seed',
  'keys check',
  'keys rotate',
])

export function startSession(host: CliHost, name: string, flags: GlobalFlags, argv: readonly string[]): Session {
  const style: PrintStyle = {
    colors: chooseColors(host.stdout.isTTY === true, flags.color, host.env),
    verbose: flags.verbose === true,
    quiet: flags.quiet === true,
    shell: shellOf(flags),
    again: redact(['tenantry', ...argv].map(quoteWord).join(' ')),
  }
  const progress = chooseProgress(host, flags)
  const own: Notice[] = []
  const said = new Set<string>()
  let kept: Notice[] = []
  let opened: Promise<Tenantry> | null = null
  let interrupts: Interrupts | null = null
  const interruptOptions = {
    source: host.signals,
    say: (line: string) => progress.say(line),
    exit: (code: 130) => host.exit(code),
    goOn: howToContinue(name, style),
  }
  let stopLeaving: (() => void) | null = leaveOnInterrupt(interruptOptions)

  const emit: ProgressOutput['emit'] = (event) => {
    if (event.type === 'notice' && flags.logFormat === 'text') {
      if (noticesInResult.has(name)) {
        kept.push(event.notice)
        return
      }
      said.add(event.notice.message)
    }
    progress.emit(event)
  }

  /** Says what was kept and is not among the notices of the result. */
  function sayKept(printed: readonly Notice[]): void {
    const messages = new Set(printed.map(({ message }) => message))
    for (const notice of kept) if (!messages.has(notice.message)) progress.emit({ type: 'notice', notice })
    kept = []
  }

  const { ask, askText } = host
  return {
    host,
    flags,
    style,
    confirm:
      ask === undefined
        ? null
        : (question) => {
            progress.close()
            return ask(question)
          },
    askText:
      askText === undefined
        ? null
        : (question) => {
            progress.close()
            return askText(question)
          },
    open() {
      opened ??= host.open({
        cwd: host.cwd,
        env: host.env,
        emit,
        ...(flags.config !== undefined && { config: flags.config }),
        ...(flags.env !== undefined && { environment: flags.env }),
        ...(flags.concurrency !== undefined && { overrides: { concurrency: flags.concurrency } }),
      })
      return opened
    },
    watchInterrupts() {
      stopLeaving?.()
      stopLeaving = null
      interrupts ??= watchInterrupts(interruptOptions)
      return interrupts.signals
    },
    notice(notice) {
      own.push(notice)
      emit({ type: 'notice', notice })
    },
    print(document, lines) {
      const complete = adviseWith(withNotices(document, own), style.shell)
      sayKept(hasNotices(complete) && name !== 'check' ? complete.notices : [])
      progress.close()
      if (flags.json) {
        host.stdout.write(`${JSON.stringify(complete, null, 2)}\n`)
        if ('interrupted' in complete && complete.interrupted) progress.say(howToContinue(name, style))
        return
      }
      const unsaid = withoutNotices(complete, said)
      const text = lines(showControls(unsaid), style).join('\n')
      if (text !== '') host.stdout.write(`${text}\n`)
      const error = errorToSay(complete)
      if (error !== null) host.stderr.write(`${describeError(showControls(error), style.colors).join('\n')}\n`)
    },
    async close() {
      sayKept([])
      progress.close()
      stopLeaving?.()
      // A facade that never opened has said why already; what a connection says while it closes changes no result.
      await opened?.then((tenantry) => tenantry.close()).catch(() => {})
      interrupts?.stop()
    },
  }
}

function chooseProgress({ stderr, env, now }: CliHost, flags: GlobalFlags): ProgressOutput {
  if (flags.logFormat === 'json') return writeEventLines(stderr, now)
  if (flags.quiet) return ignoreEvents(stderr)
  const isTty = stderr.isTTY === true
  const options = { colors: chooseColors(isTty, flags.color, env), verbose: flags.verbose === true, now }
  return isTty && env.TERM !== 'dumb' ? drawLiveLine(stderr, options) : writePlainLines(stderr, options)
}

function shellOf({ config, env }: GlobalFlags): string {
  return [
    'tenantry',
    ...(config === undefined ? [] : ['--config', quoteWord(config)]),
    ...(env === undefined ? [] : ['--env', quoteWord(env)]),
  ].join(' ')
}

/** An error of the whole command that the result itself does not tell. */
function errorToSay(document: object): ErrorDocument | null {
  if (!('error' in document) || document.error === null) return null
  const error = document.error as ErrorDocument
  return error.code === 'FINDINGS' || error.code === 'INTERRUPTED' ? null : error
}

function hasNotices(document: object): document is { notices: readonly Notice[] } {
  return 'notices' in document && Array.isArray(document.notices)
}

function withNotices<T extends object>(document: T, own: readonly Notice[]): T {
  return own.length > 0 && hasNotices(document) ? { ...document, notices: [...own, ...document.notices] } : document
}

function withoutNotices<T extends object>(document: T, said: ReadonlySet<string>): T {
  if (said.size === 0 || !hasNotices(document)) return document
  return { ...document, notices: document.notices.filter(({ message }) => !said.has(message)) }
}
