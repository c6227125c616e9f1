exports.up = (pgm) => {
  pgm.addColumn('orders', { currency: 'char(3)' })
  pgm.sql(`UPDATE orders SET currency = (SELECT value FROM settings WHERE key = 'currency')`)
  pgm.addConstraint('orders', 'orders_currency', { check: `currency ~ '^[A-Z]{3}$'` })
}

exports.down = (pgm) => pgm.dropColumn('orders', 'currency')
