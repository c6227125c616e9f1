/** `5.5.5-10.11.19-MariaDB-0+deb12u1` → 101119, `8.0.36` → 80036. */
export function versionNumber(text: string): number {
  // MariaDB puts a version in front that old replicas of MySQL understand.
  const own = /mariadb/i.test(text) ? text.replace(/^5\.5\.5-/, '') : text
  const [major = '0', minor = '0', patch = '0'] = own.split(/[^0-9]+/)
  return Number(major) * 10_000 + Number(minor || '0') * 100 + Number(patch || '0')
}

/** MySQL has not come to version 10 yet, and MariaDB began with it. */
export function isMariadb(version: number): boolean {
  return version >= 100_000
}
