import type { TypeOids } from './sequelize-types.ts'

/**
 * Types that Sequelize reads in its own way and whose numbers are the same on every server (`pg_type.dat`). Sequelize
 * reads all types of the database when it connects, and again after each enum; those of extensions and enums are asked
 * for when a row holds one.
 */
export const builtInTypes: Readonly<Record<string, TypeOids>> = {
  bool: { oid: 16, arrayOid: 1000 },
  int8: { oid: 20, arrayOid: 1016, rangeOid: 3926, arrayRangeOid: 3927 },
  int4: { oid: 23, arrayOid: 1007, rangeOid: 3904, arrayRangeOid: 3905 },
  date: { oid: 1082, arrayOid: 1182, rangeOid: 3912, arrayRangeOid: 3913 },
  timestamp: { oid: 1114, arrayOid: 1115, rangeOid: 3908, arrayRangeOid: 3909 },
  timestamptz: { oid: 1184, arrayOid: 1185, rangeOid: 3910, arrayRangeOid: 3911 },
  numeric: { oid: 1700, arrayOid: 1231, rangeOid: 3906, arrayRangeOid: 3907 },
}

/** Numbers below this are built in. Source: `FirstNormalObjectId` in `access/transam.h`. */
export const firstOwnOid = 16_384
