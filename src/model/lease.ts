/** Where a lock cannot end with its session: rows that say who has it and until when, in the target itself. */
export const leaseTable = 'tenantry_lock'
