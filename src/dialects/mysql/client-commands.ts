import type { Finding } from '../finding.ts'

/** Commands of the command-line client that no statement of the server begins with. */
const commands = new Set(
  `SOURCE SYSTEM CONNECT TEE NOTEE PAGER NOPAGER WARNINGS NOWARNING EXIT QUIT EDIT CLEAR CHARSET REHASH STATUS PROMPT
  PRINT GO EGO RESETCONNECTION`.split(/\s+/),
)

export function isClientCommand(word: string): boolean {
  return commands.has(word.toUpperCase())
}

function hintFor(command: string): string {
  switch (command.toLowerCase()) {
    case 'source':
    case '\\.':
      return 'put the SQL of that file into this one'
    case 'connect':
    case '\\r':
    case '\\u':
      return 'delete this line: tenantry connects to each target itself'
    case '\\g':
    case 'go':
    case 'ego':
      return 'end the statement with a semicolon instead'
    default:
      return 'replace it by SQL, or delete this line'
  }
}

/** @param command as written: `source`, `\G` */
export function refuseCommand(command: string, place: { line: number; column: number }): Finding {
  return {
    rule: 'client-command',
    message: `${command} is a command of the mysql client, which the server itself does not know (line ${place.line})`,
    hint: hintFor(command),
    ...place,
  }
}
