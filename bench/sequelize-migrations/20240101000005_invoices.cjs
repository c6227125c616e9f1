const { DataTypes } = require('sequelize')

exports.up = async ({ context: queryInterface }) => {
  await queryInterface.sequelize.transaction(async (transaction) => {
    await queryInterface.createTable(
      'invoices',
      {
        id: { type: DataTypes.BIGINT, primaryKey: true, autoIncrement: true },
        order_id: { type: DataTypes.BIGINT, references: { model: 'orders', key: 'id' } },
        number: { type: DataTypes.STRING(20), allowNull: false, unique: true },
        due_on: DataTypes.DATEONLY,
      },
      { transaction },
    )
    await queryInterface.addIndex('invoices', ['due_on'], { transaction })
  })
}

exports.down = async ({ context: queryInterface }) => queryInterface.dropTable('invoices')
