import { summarizePairs } from './statistics.mjs'

/**
 * A line of the table from pairs of milliseconds: `atMost` judges ours/other, `timesFaster` judges other/ours;
 * with neither, how much faster ours is is only told.
 * @param {{ work: string, against: string, pairs: { ours: number, other: number }[], atMost?: number, timesFaster?: number }} options
 */
export function compareRatio({ work, against, pairs, atMost, timesFaster }) {
  const { ratio, min, max } = summarizePairs(
    pairs.map(({ ours, other }) => (atMost === undefined ? { a: other, b: ours } : { a: ours, b: other })),
  )
  const figures = { ratio, min, max, pairs: pairs.length, pairsMs: pairs }
  const range = `(${min.toFixed(2)}–${max.toFixed(2)})`
  if (atMost === undefined) {
    const measured = `${ratio.toFixed(2)} × faster ${range}`
    if (timesFaster === undefined) return { work, against, target: 'for information', measured, reached: null, figures }
    return { work, against, target: `≥ ${timesFaster} × faster`, measured, reached: ratio >= timesFaster, figures }
  }
  const measured = `${ratio.toFixed(2)} × ${range}`
  return { work, against, target: `≤ ${atMost} ×`, measured, reached: ratio <= atMost, figures }
}

/** A line for a figure with a limit, `atMost` or `under`. */
export function compareLimit({ work, value, unit, atMost, under, detail, figures }) {
  const measured = `${value.toFixed(unit === 's' ? 2 : 1)} ${unit} (${detail})`
  const target = under === undefined ? `≤ ${atMost} ${unit}` : `< ${under} ${unit}`
  const reached = under === undefined ? value <= atMost : value < under
  return { work, target, measured, reached, figures: { value, unit, ...figures } }
}
