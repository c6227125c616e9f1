import type { Format, LoadedMigrations } from '../../model/format.ts'
import { checksumText } from '../checksums.ts'
import { historyShape } from '../history-shapes.ts'
import { readPhase } from '../phase.ts'
import { notePlaceholdersUnused } from '../placeholders.ts'
import { type Findings, throwProblems } from '../problems.ts'
import { readTextFile } from '../read-file.ts'
import { readInBatches } from '../read-in-batches.ts'
import { bindSequelize } from './bind.ts'
import { detectSequelize } from './detect.ts'
import { judgeSettings } from './judge-settings.ts'
import { listMigrationFiles, spellKeys } from './list-files.ts'
import { readBodies } from './read-code.ts'
import { findMigrationsPath, readToolConfig } from './read-config.ts'
import { writeSequelizeTemplate } from './template.ts'

/**
 * Migrations of sequelize-cli (`up(queryInterface, Sequelize)`) and of umzug (`up({ context, name, path })`), with what
 * `.sequelizerc` and its config say. They are imported when they are needed, and run on the project's own sequelize.
 */
export const sequelize: Format = {
  name: 'sequelize',
  history: historyShape('sequelize'),
  detect: detectSequelize,

  async findDirs(options) {
    const path = findMigrationsPath(options)
    return path === null ? null : [path]
  },

  async load(options): Promise<LoadedMigrations> {
    const findings: Findings = { problems: [], notices: [] }
    const config = await readToolConfig(options)
    const { history, notices } = judgeSettings(config, options.dialects)
    const bind = bindSequelize(config.settings ?? {}, [...options.dirs, options.root])
    const files = await listMigrationFiles(options, findings.problems)
    const migrations = await readInBatches(files, findings, async (file, mine) => {
      const text = await readTextFile(file, mine.problems)
      if (text === null) return null
      return {
        id: file.stem,
        number: /^\d+/.exec(file.stem)?.[0] ?? null,
        ...checksumText(text),
        description: null,
        keys: spellKeys(file),
        ignoresCase: true,
        ...readBodies(file, text.text, bind),
        transaction: 'auto' as const,
        ...readPhase(text.text, file.shown, mine.problems),
      }
    })
    throwProblems(findings.problems)
    findings.notices.push(...notices)
    findings.notices.push(...notePlaceholdersUnused(options.placeholders))
    return {
      migrations,
      notices: findings.notices,
      ...(Object.keys(history).length === 0 ? {} : { history }),
    }
  },

  template: writeSequelizeTemplate,
}
