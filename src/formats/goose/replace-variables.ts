const expression = /\\\$|\$\$|\$\{([A-Za-z_]\w*)([^}]*)\}|\$([A-Za-z_]\w*)|\$\{/g

/**
 * Puts variables of the environment into a line, as goose does between `ENVSUB ON` and `OFF`: `$A`, `${A}`, `${A-b}`,
 * `${A:-b}`, `${A?why}`; `\$` and `$$` stand for a dollar sign, and what is not set for nothing. A problem for the other
 * expansions of its library, which are not done here, and where a variable must be set and is not.
 */
export function replaceVariables(line: string, env: NodeJS.ProcessEnv): string | { problem: string } {
  let problem: string | null = null
  const filled = line.replaceAll(expression, (whole: string, braced?: string, rest?: string, bare?: string) => {
    if (whole === '\\$' || whole === '$$') return '$'
    if (bare !== undefined) return env[bare] ?? ''
    if (braced === undefined) {
      problem ??= 'has a `${` that names no variable'
      return whole
    }
    const value = env[braced]
    if (rest === undefined || rest === '') return value ?? ''
    if (rest.startsWith(':-')) return value === undefined || value === '' ? rest.slice(2) : value
    if (rest.startsWith('-')) return value ?? rest.slice(1)
    if (rest.startsWith('?')) {
      if (value === undefined) problem ??= `needs the variable ${braced}: ${rest.slice(1) || 'it is not set'}`
      return value ?? ''
    }
    problem ??= `has an expansion of ${braced} that is not known here: \${${braced}${rest.slice(0, 20)}}`
    return whole
  })
  return problem === null ? filled : { problem }
}
