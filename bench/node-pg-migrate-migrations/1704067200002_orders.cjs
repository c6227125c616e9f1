exports.up = (pgm) => {
  pgm.createType('order_state', ['open', 'paid', 'sent'])
  pgm.createTable('orders', {
    id: { type: 'bigserial', primaryKey: true },
    member_id: { type: 'integer', notNull: true, references: 'members', onDelete: 'CASCADE' },
    state: { type: 'order_state', notNull: true },
    total: { type: 'numeric(12, 2)', notNull: true, default: 0 },
    placed_at: { type: 'timestamptz', notNull: true, default: pgm.func('now()') },
  })
  pgm.createIndex('orders', ['member_id', 'placed_at'])
}
