/** A reader's walk through a page: files are written, lines are typed, and what is shown is what was printed. */
import { expect } from 'vitest'
import { runShell } from '../examples/example.ts'

/** A block of a page. */
interface Step {
  language: string
  text: string
  /** The file that it is: a line before the block that holds its name and nothing else. */
  file: string | null
}

/** The blocks of a page, or of one of its sections (`## A project that exists`). */
export function readSteps(page: string, heading?: string): Step[] {
  const from = heading === undefined ? 0 : page.indexOf(`\n${heading}\n`)
  if (from === -1) throw new Error(`The page has no section ${heading}.`)
  const after = heading === undefined ? -1 : page.indexOf('\n## ', from + 1)
  const section = page.slice(from, after === -1 ? undefined : after)
  return [...section.matchAll(/(?:^`([^`\n]+)`\n\n)?^```(\w+)\n([\s\S]*?)^```$/gm)].map(
    ([, file, language = '', text = '']) => ({ language, text, file: file ?? null }),
  )
}

/**
 * Carries the steps out in one shell. A line may say `# exit code 1`; others end with 0. Of a block of text, each line
 * must be in the output of the block of commands before it, paragraphs in their order; `…`, times and ids of rollouts stand for any.
 * An id of a rollout in a command is that of the last `up`. SQL that is no file is given to the function `runSql` of the
 * prelude. `replace`: what the page calls
 * something → what it is here.
 */
export async function walkSteps(
  steps: readonly Step[],
  place: { cwd: string; env: Record<string, string>; prelude?: string; replace?: Readonly<Record<string, string>> },
): Promise<void> {
  const here = (text: string) =>
    Object.entries(place.replace ?? {}).reduce((result, [from, to]) => result.replaceAll(from, to), text)
  const script = steps.map(({ language, text, file }, i) => {
    if (file !== null)
      return `mkdir -p "$(dirname '${file}')"\ncat > '${file}' <<'END_OF_FILE'\n${here(text)}END_OF_FILE\n`
    if (language === 'sql') return `runSql <<'END_OF_SQL'\n${here(text)}END_OF_SQL\n`
    return language === 'sh' ? `${here(text).split('\n').map(typeLine).join('\n')}\necho '=== ${i}'\n` : ''
  })
  const prelude = `set -eo pipefail\nexec 2>&1\n${place.prelude ?? ''}\n`
  const { code, stdout } = await runShell(prelude + script.join(''), place)
  expect(code === 0 ? '' : stdout).toBe('')
  const outputs = new Map(
    [...stdout.matchAll(/([\s\S]*?)=== (\d+)\n/g)].map(([, said = '', i]) => [Number(i), said] as const),
  )
  steps.forEach(({ language, text, file }, i) => {
    if (language !== 'text' || file !== null) return
    const before = steps.slice(0, i).findLastIndex((step) => step.language === 'sh')
    findLines(here(text), outputs.get(before) ?? '')
  })
}

/** Paragraphs in their order; the lines of one in any, since tenants that were made come in the order of random ids. */
function findLines(shown: string, printed: string): void {
  let rest = printed
  for (const paragraph of shown.trim().split(/\n\s*\n/)) {
    const places = paragraph.split('\n').map((line) => {
      const pattern = new RegExp(`^\\s*${asPattern(line)}\\s*$`, 'm')
      expect(rest).toMatch(pattern)
      return rest.search(pattern)
    })
    rest = rest.slice(Math.min(...places))
  }
}

/** A line as the shell gets it: the exit code that it says must be its own, and a rollout's id the one shown last. */
function typeLine(line: string): string {
  const typed = line.replace(
    /\br_[0-9A-Z]{26}\b/,
    '"$(tenantry rollout list | grep -m1 -o "r_[0-9A-Z]*.* up " | cut -d" " -f1)"',
  )
  const code = /# exit code (\d+)/.exec(line)?.[1]
  if (code === undefined) return typed
  return `code=0; { ${typed}\n} || code=$?; [ $code = ${code} ] || { echo "exit code $code, not ${code}"; exit 1; }`
}

function asPattern(line: string): string {
  return line
    .trim()
    .split(/(…|\d+(?:\.\d+)? (?:ms|s)\b|\br_[0-9A-Z]{26}\b| {2,})/)
    .map((part, i) => {
      if (i % 2 === 0) return part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
      if (part === '…') return '.*'
      if (part.startsWith('r_')) return 'r_[0-9A-Z]{26}'
      return part.trim() === '' ? ' +' : String.raw`\d+(?:\.\d+)? (?:ms|s)`
    })
    .join('')
}
