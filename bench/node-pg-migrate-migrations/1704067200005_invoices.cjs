exports.up = (pgm) => {
  pgm.createTable('invoices', {
    id: 'id',
    order_id: { type: 'bigint', references: 'orders' },
    number: { type: 'varchar(20)', notNull: true, unique: true },
    lines: 'jsonb',
    due: 'date',
  })
  pgm.createView('open_orders', {}, `SELECT id, total FROM orders WHERE state = 'open'`)
}
