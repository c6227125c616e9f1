/** Compares versions part by part as numbers: `1.2` comes before `1.10`, and `1` is `1.0`. Parts that are no numbers count as 0. */
export function compareVersions(a: string, b: string): number {
  const [one, other] = [partsOf(a), partsOf(b)]
  for (let index = 0; index < Math.max(one.length, other.length); index++) {
    const [left, right] = [one[index] ?? 0n, other[index] ?? 0n]
    if (left !== right) return left < right ? -1 : 1
  }
  return 0
}

function partsOf(version: string): bigint[] {
  return version.split(/[._]/).map((part) => (/^\d+$/.test(part) ? BigInt(part) : 0n))
}
