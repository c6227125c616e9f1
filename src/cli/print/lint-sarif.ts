import { createHash } from 'node:crypto'
import { pathToFileURL } from 'node:url'
import type { LintFinding, LintReport } from '../../model/lint.ts'
import { describeFleet } from './lint-fleet.ts'

const levels = { error: 'error', warning: 'warning', info: 'note' } as const

/** A path as part of a URI. */
const uriOf = (file: string) => file.replaceAll('\\', '/').split('/').map(encodeURIComponent).join('/')

/** SARIF 2.1.0 (OASIS), for code scanning. What is waived is in it as suppressed, with its reason. */
export function toSarif(report: LintReport, version: string): object {
  const { rules, findings, ignored, notAnalysed, root } = report
  const index = new Map(rules.map(({ id }, i) => [id, i]))
  const seen = new Map<string, number>()
  const result = (finding: LintFinding, reason: string | null) => ({
    ruleId: finding.rule,
    ruleIndex: index.get(finding.rule) ?? -1,
    level: levels[finding.severity],
    message: { text: describe(finding) },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: uriOf(finding.file), uriBaseId: 'ROOT' },
          region: {
            startLine: finding.line,
            startColumn: finding.column,
            ...(finding.excerpt !== null && { snippet: { text: finding.excerpt } }),
          },
        },
      },
    ],
    partialFingerprints: { 'tenantry/v1': fingerprint(finding, seen) },
    ...(reason !== null && { suppressions: [{ kind: 'inSource', justification: reason }] }),
  })
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'tenantry',
            version,
            rules: rules.map(({ id, title, severity, why }) => ({
              id,
              shortDescription: { text: title },
              fullDescription: { text: why },
              defaultConfiguration: { level: levels[severity] },
            })),
          },
        },
        columnKind: 'unicodeCodePoints',
        originalUriBaseIds: { ROOT: { uri: `${pathToFileURL(root).href.replace(/\/$/, '')}/` } },
        invocations: [
          {
            executionSuccessful: true,
            toolExecutionNotifications: notAnalysed.map(({ file, line, reason }) => ({
              level: 'note',
              message: { text: `Not analysed: ${reason}.` },
              locations: [
                {
                  physicalLocation: {
                    artifactLocation: { uri: uriOf(file), uriBaseId: 'ROOT' },
                    ...(line !== null && { region: { startLine: line } }),
                  },
                },
              ],
            })),
          },
        ],
        results: [
          ...findings.map((finding) => result(finding, null)),
          ...ignored.map((finding) => result(finding, finding.reason)),
        ],
      },
    ],
  }
}

function describe(finding: LintFinding): string {
  const { message, lock, rewrite } = finding
  return [
    message,
    ...describeFleet(finding),
    ...(lock === null ? [] : [`Lock: ${lock}.`]),
    ...(rewrite === null ? [] : [`Instead: ${rewrite}`]),
  ].join('\n')
}

/** Stays the same while lines move: what is found where, and the how-manieth of those. */
function fingerprint({ rule, file, message }: LintFinding, seen: Map<string, number>): string {
  const key = `${rule}\0${file}\0${message}`
  const nth = seen.get(key) ?? 0
  seen.set(key, nth + 1)
  return createHash('sha256').update(`${key}\0${nth}`).digest('hex').slice(0, 32)
}
