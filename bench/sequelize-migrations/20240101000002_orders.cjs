const { DataTypes, literal } = require('sequelize')

exports.up = async ({ context: queryInterface }) => {
  await queryInterface.createTable('orders', {
    id: { type: DataTypes.BIGINT, primaryKey: true, autoIncrement: true },
    member_id: {
      type: DataTypes.BIGINT,
      allowNull: false,
      references: { model: 'members', key: 'id' },
      onDelete: 'CASCADE',
    },
    status: { type: DataTypes.ENUM('open', 'paid'), allowNull: false, defaultValue: 'open' },
    placed_at: { type: DataTypes.DATE, allowNull: false, defaultValue: literal('CURRENT_TIMESTAMP') },
  })
  await queryInterface.addIndex('orders', ['member_id', 'status'])
}

exports.down = async ({ context: queryInterface }) => queryInterface.dropTable('orders')
