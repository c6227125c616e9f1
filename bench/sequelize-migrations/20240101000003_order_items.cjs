const { DataTypes } = require('sequelize')

exports.up = async ({ context: queryInterface }) => {
  await queryInterface.createTable('order_items', {
    order_id: {
      type: DataTypes.BIGINT,
      primaryKey: true,
      references: { model: 'orders', key: 'id' },
      onDelete: 'CASCADE',
    },
    line: { type: DataTypes.INTEGER, primaryKey: true },
    sku: { type: DataTypes.STRING(40), allowNull: false },
    price: { type: DataTypes.DECIMAL(12, 2), allowNull: false },
  })
  await queryInterface.addIndex('order_items', ['sku'])
}

exports.down = async ({ context: queryInterface }) => queryInterface.dropTable('order_items')
