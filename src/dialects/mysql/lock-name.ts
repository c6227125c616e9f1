import { quoteLiteral } from './quote.ts'

/**
 * Expression for the name of a target's lock. GET_LOCK's names belong to the whole server and have at most 64
 * characters: so the database is part of what is hashed, as the server itself spells it.
 */
export function lockName(lockKey: string): string {
  const database = 'IF(@@lower_case_table_names = 0, DATABASE(), LOWER(DATABASE()))'
  return `CONCAT('tenantry:', LEFT(SHA2(CONCAT(${database}, '/', ${quoteLiteral(lockKey)}), 256), 40))`
}
