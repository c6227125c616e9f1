import type { Notice } from '../../model/migration.ts'
import { describeNotice } from '../progress/describe.ts'
import { type Colors, formatCount, quoteWord } from '../text.ts'

/** How results are written for people. */
export interface PrintStyle {
  colors: Colors
  verbose: boolean
  quiet: boolean
  /** The program with the flags that say which fleet: `tenantry --env staging`. Advice starts with it. */
  shell: string
  /** The command line as it was typed, for "again". */
  again: string
}

/** Notices, the same text once; at most 20 unless `verbose`. */
export function printNotices(notices: readonly Notice[], style: PrintStyle): string[] {
  if (style.quiet) return []
  const texts = [...new Set(notices.map(describeNotice))]
  const shown = style.verbose ? texts : texts.slice(0, 20)
  const lines = shown.map((text) => `${style.colors.yellow('note')} ${text}`)
  if (shown.length < texts.length) {
    lines.push(style.colors.dim(`and ${formatCount(texts.length - shown.length)} more notes (--verbose shows them)`))
  }
  return lines
}

/** A command to type, for one tenant or target. */
export function commandFor(style: PrintStyle, command: string, name: string): string {
  return `\`${style.shell} ${command} ${quoteWord(name)}\``
}

/** After a `down`: running it again would undo one more where it succeeded. */
export function whereItStands(style: PrintStyle): string {
  return `\`${style.shell} status\` shows where each target stands; a bare \`down\` would undo one more where it succeeded.`
}

/** After an interrupt, the last line. */
export function howToContinue(command: string, style: PrintStyle): string {
  return command === 'down' ? whereItStands(style) : `\`${style.again}\` continues.`
}

/** Lines under `Next:`, aligned. */
export function printNext(steps: readonly string[], style: PrintStyle): string[] {
  if (style.quiet) return []
  return steps.map((step, i) => `${i === 0 ? 'Next:' : '     '} ${step}`)
}

/** Sections with an empty line between them; empty ones vanish. */
export function joinSections(sections: readonly (readonly string[])[]): string[] {
  return sections
    .filter((section) => section.length > 0)
    .flatMap((section, i) => (i === 0 ? section : ['', ...section]))
}
