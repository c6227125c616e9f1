import type { LineIndex } from '../line-index.ts'
import { judgeStatement, readControl, sessionSetting, type Verdict } from './classify.ts'
import type { Member } from './layout.ts'
import { type Piece, splitSql } from './split.ts'
import { nameStatement } from './statement-kind.ts'

/** A statement of a file with what is known of it. */
export interface DescribedPiece extends Piece, Member {
  /** 1-based. */
  index: number
  judged: Verdict
  /** The setting that it leaves in its session. */
  setting: string | null
}

/** The statements of a file, in order. */
export function describePieces(text: string, lines: LineIndex): DescribedPiece[] {
  return [...splitSql(text)].map((piece, position) => {
    const judged = judgeStatement(piece.words)
    return {
      ...piece,
      index: position + 1,
      kind: nameStatement(piece.words),
      line: lines.place(piece.start).line,
      control: readControl(piece.words),
      judged,
      verdict: judged.verdict,
      setting: judged.verdict === 'stays' ? sessionSetting(piece.words) : null,
    }
  })
}
