import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const examples = fileURLToPath(new URL('../../examples', import.meta.url))

/** A command that a guide tells its reader to run. */
export interface GuideCommand {
  /** As the guide writes it, comments and prompts taken off: `npm run migrate:tenant acme-corp`. */
  text: string
  /** 1-based; the first place of several. */
  line: number
}

/** Words that a command of these guides begins with, after variables in front of it. */
const programs = ['npm', 'npx', 'node', 'mysql', 'psql', 'pg_dump', 'touch']

const command = new RegExp(
  String.raw`(?<![\w/.:-])(?:[A-Z][A-Z_]+=\S+ )*(?:${programs.join('|')}) (?:"[^"\n]*"|[^\n\`|#;&│])*`,
  'g',
)

/** Where a guide has lost its line ends, the next command begins in the middle of the line; variables belong to it. */
const nextCommand = new RegExp(String.raw`(?<!=\S+) (?=(?:cd|${programs.join('|')}) )`)

/**
 * Every command in a guide, each once: in blocks, in tables and in running text. What it shows in JavaScript or SQL
 * is not one; what its YAML files run is.
 */
export function readGuideCommands(example: string): GuideCommand[] {
  // `["npm", "run", "x"]` of a Kubernetes job, written as a shell would; as long as before, so that places stay.
  const text = readFileSync(join(examples, example, 'GUIDE.md'), 'utf8').replaceAll(/\[(?:"[^"\n]+",? ?)+\]/g, (list) =>
    ` ${list.replaceAll(/[[\]",]+ ?/g, ' ').trim()}`.padEnd(list.length),
  )
  const found = new Map<string, number>()
  for (const part of shellParts(text)) {
    for (const match of part.text.matchAll(command)) {
      const line = text.slice(0, part.offset + match.index).split('\n').length
      for (const piece of match[0].split(nextCommand)) {
        const cleaned = piece
          .replace(/\*\*.*$/, '')
          // The end of a quoted string that began before the command.
          .replace(/^([^"]*)"[^"]*$/, '$1')
          .replace(/['),]+$/, '')
          .trim()
        if (
          /^(?:[A-Z_]+=\S+ )*(?:npm (?:run|start|ci)|npx |node |mysql |psql |pg_dump |touch )/.test(cleaned) &&
          !found.has(cleaned)
        )
          found.set(cleaned, line)
      }
    }
  }
  return [...found].map(([text, line]) => ({ text, line }))
}

interface Part {
  text: string
  offset: number
}

/** Blocks of a shell, and inline code of what is no block at all. */
function shellParts(text: string): Part[] {
  const parts: Part[] = []
  let outside = 0
  for (const match of text.matchAll(/```(\w*)([\s\S]*?)```/g)) {
    parts.push(...inlineParts(text.slice(outside, match.index), outside))
    outside = match.index + match[0].length
    const [, language = '', body = ''] = match
    if (['bash', 'sh', 'yaml'].includes(language)) parts.push({ text: body, offset: match.index + 3 + language.length })
  }
  parts.push(...inlineParts(text.slice(outside), outside))
  return parts
}

function inlineParts(text: string, offset: number): Part[] {
  return [...text.matchAll(/`([^`\n]+)`/g)].map((match) => ({ text: match[1] ?? '', offset: offset + match.index + 1 }))
}
