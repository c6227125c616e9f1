/** Ids of rows that an earlier run made are not known: these stand for them, and no other is as large. */
const first = 9_007_199_254_700_000
const pattern = /90071992547\d{5}/

/** @param done statements that are done: each has another one */
export function unknownId(done: number): number {
  return first + done
}

export function usesUnknownId(text: string, values: unknown): boolean {
  const all = Array.isArray(values) ? [text, ...values.map(String)] : [text]
  return all.some((one) => pattern.test(one))
}

export const unknownIdUsed =
  'it uses the id of a row that an earlier run inserted before it was interrupted: that id is not known any more'
