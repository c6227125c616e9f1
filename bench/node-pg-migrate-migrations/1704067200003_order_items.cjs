exports.up = (pgm) => {
  pgm.createTable(
    'order_items',
    {
      id: { type: 'bigserial', primaryKey: true },
      order_id: { type: 'bigint', notNull: true, references: 'orders', onDelete: 'CASCADE' },
      sku: { type: 'varchar(40)', notNull: true },
      quantity: { type: 'integer', notNull: true, default: 1 },
    },
    { constraints: { unique: ['order_id', 'sku'] } },
  )
  pgm.createIndex('order_items', 'sku')
}
